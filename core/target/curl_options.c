/* SPDX-License-Identifier: Apache-2.0 */
/* Every option that libcurl would else take from the environment is set, also to nothing. */
#include <target/curl_options.h>

#include <string.h>

long tkp_curl_http_version(const struct tkp_plan *plan)
{
    switch (plan->http_version) {
    case TKP_HTTP_VERSION_2:
        return CURL_HTTP_VERSION_2TLS;
    case TKP_HTTP_VERSION_2_PRIOR:
        return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    case TKP_HTTP_VERSION_1_1:
        break;
    }
    return CURL_HTTP_VERSION_1_1;
}

static long proxy_type(const struct tkp_proxy *proxy)
{
    switch (proxy->kind) {
    case TKP_PROXY_SOCKS4:
        return CURLPROXY_SOCKS4;
    case TKP_PROXY_SOCKS4A:
        return CURLPROXY_SOCKS4A;
    case TKP_PROXY_SOCKS5:
        return CURLPROXY_SOCKS5;
    case TKP_PROXY_SOCKS5H:
        return CURLPROXY_SOCKS5_HOSTNAME;
    case TKP_PROXY_HTTP:
        break;
    }
    return CURLPROXY_HTTP;
}

/* "user:password", or a user alone, without an escape of any kind. */
static bool set_credentials(CURL *curl, const char *user_info)
{
    const char *colon = strchr(user_info, ':');
    char user[512];
    size_t len = colon ? (size_t)(colon - user_info) : strlen(user_info);
    if (len >= sizeof user)
        return false;
    memcpy(user, user_info, len);
    user[len] = '\0';
    return curl_easy_setopt(curl, CURLOPT_PROXYUSERNAME, user) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXYPASSWORD, colon ? colon + 1 : "") == CURLE_OK;
}

static bool set_proxy(CURL *curl, const struct tkp_plan *plan)
{
    const struct tkp_proxy *proxy = plan->proxy;
    if (curl_easy_setopt(curl, CURLOPT_NOPROXY, "") != CURLE_OK)
        return false;
    if (!proxy)
        return curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    /* an HTTP proxy would not forward HTTP/2, but tunnels it */
    long tunnels = plan->http_version == TKP_HTTP_VERSION_2_PRIOR;
    return curl_easy_setopt(curl, CURLOPT_PROXY, proxy->text) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXYTYPE, proxy_type(proxy)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, tunnels) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
           (!proxy->url.user_info || set_credentials(curl, proxy->url.user_info));
}

static bool set_tls(CURL *curl, const struct tkp_tls_plan *tls)
{
    long version =
        tls->min_version == TKP_TLS_VERSION_1_3 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
    bool good = curl_easy_setopt(curl, CURLOPT_SSLVERSION, version) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, (long)!tls->insecure) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, tls->insecure ? 0L : 2L) == CURLE_OK;
    if (good && tls->ca_file)
        good = curl_easy_setopt(curl, CURLOPT_CAINFO, tls->ca_file) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (good && tls->cert_file)
        good = curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->cert_file) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->key_file) == CURLE_OK;
    return good;
}

bool tkp_curl_options_set(CURL *curl, const struct tkp_plan *plan)
{
    return curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, tkp_curl_http_version(plan)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           set_proxy(curl, plan) && (!plan->tls.min_version || set_tls(curl, &plan->tls));
}
