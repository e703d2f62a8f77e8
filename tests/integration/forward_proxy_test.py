# SPDX-License-Identifier: Apache-2.0
"""Runs through an HTTP or SOCKS proxy: who finds the server's address, what the proxy sees, and that
its password is in no artifact."""
import sys

from harness import SOURCE, Run, RunTest, main

sys.path.insert(0, str(SOURCE / "tests" / "support"))
import servers  # noqa: E402
from forward_proxies import HttpProxy, SocksProxy  # noqa: E402

servers.need("nghttpx", "openssl")
REQUESTS = 20
SECRET = "ge:heim@wort"
ESCAPED = "ge%3Aheim%40wort"


class ForwardProxy(RunTest):
    def setUp(self):
        super().setUp()
        self.mock = self.start_mock("--ttft", "2", "--itl", "1", "--osl", "6")
        self.address = f"127.0.0.1:{self.mock.port}"

    def keep(self, server):
        self.addCleanup(server.__exit__)
        return server

    def load(self, url, proxy, *arguments, expect=0, **more):
        run = self.profile(url, "--streaming", "--concurrency", 4, "--request-count", REQUESTS,
                           "--workers-max", 1, "--proxy", proxy, *arguments, expect=expect, **more)
        if expect == 0:
            self.assertEqual(run.outcomes(), {"ok": REQUESTS}, run.stdout)
        return run

    def test_http_is_forwarded(self):
        for host in "127.0.0.1", "model.test":  # the proxy finds the name, nobody else does
            with self.subTest(host=host), HttpProxy() as proxy:
                target = f"{host}:{self.mock.port}"
                self.load(f"http://{target}", f"http://127.0.0.1:{proxy.port}")
                self.assertEqual(set(proxy.seen), {target})
                self.assertEqual(proxy.methods, ["POST"] * REQUESTS)

    def test_https_and_http2_are_tunnelled(self):
        tls = servers.certificate(self.home)
        secure = self.keep(servers.Nghttpx(self.address, tls=tls))
        plain = self.keep(servers.Nghttpx(self.address))
        for server, scheme, arguments, most in (
                (secure, "https", ("--cacert", tls[0]), 4),
                (secure, "https", ("--cacert", tls[0], "--http-version", "2"), 1),
                (plain, "http", ("--http-version", "2-prior-knowledge"), 1)):
            with self.subTest(arguments=arguments), HttpProxy() as proxy:
                self.load(server.url(scheme=scheme), f"http://127.0.0.1:{proxy.port}", *arguments)
                self.assertEqual(set(proxy.seen), {f"127.0.0.1:{server.port}"})
                self.assertEqual(set(proxy.methods), {"CONNECT"})
                self.assertLessEqual(len(proxy.methods), most)

    def test_socks(self):
        for scheme, version, host in (("socks4", 4, "127.0.0.1"), ("socks4a", 4, "model.test"),
                                      ("socks5", 5, "127.0.0.1"), ("socks5h", 5, "model.test")):
            with self.subTest(scheme=scheme), SocksProxy() as proxy:
                target = f"{host}:{self.mock.port}"
                self.load(f"http://{target}", f"{scheme}://127.0.0.1:{proxy.port}")
                self.assertEqual(set(proxy.seen), {target})
                self.assertEqual(set(proxy.versions), {version})
                self.assertLessEqual(len(proxy.versions), 4)

    def test_main_finds_the_name_for_socks5(self):
        with SocksProxy() as proxy:
            self.load(f"http://model.test:{self.mock.port}", f"socks5://127.0.0.1:{proxy.port}",
                      "--resolve", f"model.test:{self.mock.port}:127.0.0.1")
            self.assertEqual(set(proxy.seen), {self.address})
            run = self.load(f"http://model.test:{self.mock.port}",
                            f"socks5://127.0.0.1:{proxy.port}", expect=2)
            self.assertIn("model.test", run.stderr)

    def assert_hidden(self, run):
        for path in filter(lambda path: path.is_file(), run.directory.rglob("*")):
            content = path.read_bytes()
            for text in SECRET, ESCAPED, "heim":
                self.assertNotIn(text.encode(), content, path.name)
        for text in run.stdout, run.stderr:
            self.assertNotIn("heim", text)

    def test_credentials_reach_the_proxy_and_no_artifact(self):
        for kind, scheme in ((HttpProxy, "http"), (SocksProxy, "socks5")):
            with self.subTest(scheme=scheme), kind(f"user:{SECRET}") as proxy:
                run = self.load(f"http://{self.address}",
                                f"{scheme}://user:{ESCAPED}@127.0.0.1:{proxy.port}",
                                "--export-level", "raw")
                self.assert_hidden(run)
                self.assertIn("<redacted>@127.0.0.1", run.path("config.yaml").read_text())
                again = Run(["profile", "-f", str(run.path("config.yaml"))])
                self.assertEqual(again.code, 2)
                self.assertIn("redacted", again.stderr)

    @staticmethod
    def first_error(run):
        """Of a request that failed by itself: a run without hope cancels the others."""
        return next(r for r in run.records() if r["tokperf"]["outcome"] == "connect_error")["error"]

    def test_refusals(self):
        with HttpProxy(f"user:{SECRET}") as proxy:
            run = self.load(f"http://{self.address}", f"http://user:x@127.0.0.1:{proxy.port}",
                            expect=1)
            self.assertEqual(run.outcomes(), {"http_error": REQUESTS})
            self.assertEqual(run.records()[0]["error"]["code"], 407)
        with HttpProxy(refuse=403) as proxy:
            tls = servers.certificate(self.home)
            secure = self.keep(servers.Nghttpx(self.address, tls=tls))
            run = self.load(secure.url(scheme="https"), f"http://127.0.0.1:{proxy.port}",
                            "--cacert", tls[0], expect=1)
            self.assertEqual(set(run.outcomes()) - {"cancelled"}, {"connect_error"})
            self.assertEqual(self.first_error(run)["type"], "proxy")
        with SocksProxy(f"user:{SECRET}") as proxy:
            run = self.load(f"http://{self.address}", f"socks5://user:x@127.0.0.1:{proxy.port}",
                            expect=1)
            self.assertEqual(set(run.outcomes()) - {"cancelled"}, {"connect_error"})
        run = self.load(f"http://{self.address}", "http://127.0.0.1:1", expect=1)
        error = self.first_error(run)
        self.assertEqual(error["type"], "refused")
        self.assertIn("http://127.0.0.1:1", error["message"])

    def test_the_environment_is_not_asked(self):
        names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
        hidden = {name: "http://127.0.0.1:1" for name in names}
        run = self.profile(f"http://{self.address}", "--transport", "curl", "--request-count", 3,
                           environment=hidden)
        self.assertEqual(run.outcomes(), {"ok": 3})
        with HttpProxy() as proxy:  # nor which hosts need none
            self.load(f"http://{self.address}", f"http://127.0.0.1:{proxy.port}",
                      environment={"no_proxy": "*", "NO_PROXY": "*"})
            self.assertEqual(len(proxy.methods), REQUESTS)

    def test_the_model_is_asked_for_through_it(self):
        with HttpProxy() as proxy:
            run = Run(["profile", "--url", f"http://model.test:{self.mock.port}",
                       "--request-count", "2", "--proxy", f"http://127.0.0.1:{proxy.port}",
                       "--ui-type", "none", "--output-artifact-dir", str(self.new_directory())])
            self.assertEqual(run.code, 0, run.stderr)
            self.assertEqual(proxy.methods, ["GET", "POST", "POST"])


if __name__ == "__main__":
    main()
