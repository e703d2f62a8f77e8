/* SPDX-License-Identifier: Apache-2.0 */
/* Renders what is not an answer to a prompt: the error object and the list of models. */
#include "render.h"

static void add_quoted(struct tkp_mock_buffer *out, const char *text)
{
    tkp_mock_buffer_add_text(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            tkp_mock_buffer_add(out, "\\", 1);
            tkp_mock_buffer_add(out, text, 1);
        } else if (c < 0x20) {
            tkp_mock_buffer_add_format(out, "\\u%04x", (unsigned)c);
        } else {
            tkp_mock_buffer_add(out, text, 1);
        }
    }
    tkp_mock_buffer_add_text(out, "\"");
}

static const char *error_type(int status)
{
    if (status == 401) {
        return "authentication_error";
    }
    if (status == 429) {
        return "rate_limit_error";
    }
    return status < 500 ? "invalid_request_error" : "server_error";
}

void tkp_mock_render_error(int status, const char *message, const char *param,
                           struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add_text(out, "{\"error\":{\"message\":");
    add_quoted(out, message);
    tkp_mock_buffer_add_text(out, ",\"type\":");
    add_quoted(out, error_type(status));
    tkp_mock_buffer_add_text(out, ",\"param\":");
    if (param == NULL) {
        tkp_mock_buffer_add_text(out, "null");
    } else {
        add_quoted(out, param);
    }
    tkp_mock_buffer_add_text(out, ",\"code\":");
    tkp_mock_buffer_add_u64(out, (uint64_t)status);
    tkp_mock_buffer_add_text(out, "}}");
}

void tkp_mock_render_models(const struct tkp_mock_options *options, uint64_t created_s,
                            struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add_text(out, "{\"object\":\"list\",\"data\":[");
    for (uint64_t i = 0; i < options->model_count; i++) {
        tkp_mock_buffer_add_text(out, i == 0 ? "{\"id\":" : ",{\"id\":");
        add_quoted(out, options->models[i]);
        tkp_mock_buffer_add_text(out, ",\"object\":\"model\",\"created\":");
        tkp_mock_buffer_add_u64(out, created_s);
        tkp_mock_buffer_add_text(out, ",\"owned_by\":\"tokperf-mock\"}");
    }
    tkp_mock_buffer_add_text(out, "]}");
}
