import { expect } from "chai";
import { OAuth2Proxy } from "../../../components/identity/oauth2-proxy";
import {
  proxyConfig,
  proxyImage,
  proxyName,
  proxyPolicy,
  proxyValues,
  toml,
} from "../../../components/identity/oauth2-proxy-values";
import { oidcEndpoints } from "../../../components/identity/oidc";
import { GeneratedSecrets, proxiedServices } from "../../../components/secrets";
import { isSecret, record, type RecordedResource } from "../../../plan/record";
import { bundleOf, crdErrors } from "../../support/crds";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";
import { controlPlane, dependsOn, plainText } from "./support";

const upstreams = {
  prometheus: "http://prometheus.monitoring:9090",
  alertmanager: "http://alertmanager.monitoring:9093",
  longhorn: "http://longhorn-frontend.longhorn-system",
} as const;

describe("OAuth2-Proxy", () => {
  const homelab = home();
  const values = proxyValues(homelab, "longhorn", { upstream: upstreams.longhorn, secret: "s", secretHash: "h" });
  const config = (service: (typeof proxiedServices)[number], of = homelab) =>
    proxyConfig(of, service, upstreams[service]);

  it("sets only values that the chart has, and the deprecated service.port is not among them", () => {
    expect(unknownValuePaths("oauth2Proxy", homelab.versions.charts.oauth2Proxy, values)).to.deep.equal([]);
    expect(values.service).to.deep.equal({ portNumber: 80 });
  });

  it("trap 47: compares the issuer with the slash that Authentik writes", () => {
    for (const service of proxiedServices) {
      expect(config(service).oidc_issuer_url).to.equal(oidcEndpoints(homelab, service).issuer).and.to.match(/\/$/);
    }
  });

  it("starts without Authentik: every address that discovery would give is stated", () => {
    const { skip_oidc_discovery, login_url, redeem_url, oidc_jwks_url } = config("prometheus");
    const endpoints = oidcEndpoints(homelab, "prometheus");
    expect(skip_oidc_discovery).to.equal(true);
    expect([login_url, redeem_url, oidc_jwks_url]).to.deep.equal([
      endpoints.authorization,
      endpoints.token,
      endpoints.jwks,
    ]);
  });

  it("CVE-2026-76835: believes forwarded headers only from the gateway's addresses", () => {
    const { reverse_proxy, trusted_proxy_ips } = config("alertmanager");
    expect(reverse_proxy).to.equal(true);
    expect(trusted_proxy_ips).to.include("10.42.0.0/16").and.not.include("0.0.0.0/0");
  });

  it("lets in administrators and nobody else, and excepts no path", () => {
    for (const service of proxiedServices) {
      expect(config(service).allowed_groups).to.deep.equal(["homelab-admins"]);
      expect(Object.keys(config(service)).filter((key) => /skip_auth|trusted_ips|api_routes/.test(key))).to.deep.equal(
        [],
      );
    }
  });

  it("skips the check of certificates with Let's Encrypt's staging environment only", () => {
    const production = home((raw) => (raw.network.certificates.issuer = "production"));
    expect(config("longhorn").ssl_insecure_skip_verify).to.equal(true);
    expect(config("longhorn", production).ssl_insecure_skip_verify).to.equal(false);
  });

  it("sends its cookie over TLS only", () => {
    const { cookie_secure, cookie_httponly, cookie_samesite } = config("longhorn");
    expect([cookie_secure, cookie_httponly, cookie_samesite]).to.deep.equal([true, true, "lax"]);
  });

  it("writes TOML that the chart's template engine leaves alone", () => {
    const text = toml(config("longhorn"));
    expect(text).to.contain('oidc_issuer_url = "https://authentik.fletcherlabs.net/application/o/longhorn/"');
    expect(text).to.contain('email_domains = ["*"]');
    expect(text)
      .to.match(/^([a-z_]+ = (".*"|true|false|\[.*\])\n?)+$/)
      .and.not.contain("{{");
  });

  it("runs the pinned image with its digest, in the chart's form", () => {
    const { repository, tag } = values.image as { repository: string; tag: string };
    expect(`${repository}:${tag}`).to.equal(homelab.versions.images.oauth2Proxy);
    expect(proxyImage("localhost:5000/a/b:v1")).to.deep.equal({ repository: "localhost:5000/a/b", tag: "v1" });
    for (const unpinned of ["quay.io/oauth2-proxy/oauth2-proxy", "localhost:5000/oauth2-proxy", "a@sha256:00"]) {
      expect(() => proxyImage(unpinned)).to.throw(/write repository:tag/);
    }
  });

  it("its network policy is valid and names the gateway, not the whole world", () => {
    const errors = crdErrors(bundleOf(homelab, "cilium.io") ?? "", {
      apiVersion: "cilium.io/v2",
      kind: "CiliumNetworkPolicy",
      metadata: { name: "p", namespace: "n" },
      spec: proxyPolicy(homelab, "longhorn"),
    });
    expect(errors).to.deep.equal([]);
    expect(JSON.stringify(proxyPolicy(homelab, "longhorn")))
      .to.contain('"fromEntities":["ingress"]')
      .and.not.match(/world|all"/);
  });

  describe("component", () => {
    let resources: RecordedResource[];
    const named = (type: RegExp) => resources.filter((resource) => type.test(resource.type));

    before(async () => {
      ({ resources } = await record(
        () => {
          const secrets = new GeneratedSecrets("secrets", homelab);
          for (const service of proxiedServices) {
            const namespace = service === "longhorn" ? "longhorn-system" : "monitoring";
            const upstream = upstreams[service];
            new OAuth2Proxy(`proxy-${service}`, { homelab, controlPlane, secrets, service, namespace, upstream });
          }
        },
        { preview: false },
      ));
    });

    it("trap 56: every route leads to the proxy and to nothing beside it", () => {
      const routes = named(/HTTPRoute$/).map(({ inputs }) => inputs.spec as { hostnames: string[]; rules: unknown });
      expect(routes.map(({ hostnames }) => hostnames)).to.deep.equal(
        proxiedServices.map((service) => [homelab.hosts[service]]),
      );
      const backends = [...JSON.stringify(routes).matchAll(/"backendRefs":(\[.*?\])/g)].map(([, refs]) => refs);
      expect(backends).to.deep.equal(
        proxiedServices.map((service) => JSON.stringify([{ name: proxyName(service), port: 80 }])),
      );
    });

    it("has its secrets in a Secret under the chart's keys, different for every service", () => {
      const secrets = named(/core\/v1:Secret$/).map(({ inputs }) => {
        const { metadata, stringData } = plainText(inputs) as {
          metadata: { name: string };
          stringData: Record<string, string>;
        };
        return { name: metadata.name, stringData };
      });
      expect(secrets).to.have.length(3);
      for (const { name, stringData } of secrets) {
        expect(Object.keys(stringData)).to.have.members(["client-id", "client-secret", "cookie-secret"]);
        expect(name).to.equal(`oauth2-proxy-${stringData["client-id"]}`);
      }
      expect(new Set(secrets.map(({ stringData }) => stringData["client-secret"])).size).to.equal(3);
      const charts = JSON.stringify(named(/Chart$/).map(({ inputs }) => inputs));
      for (const { stringData } of secrets) {
        expect(charts).not.to.contain(stringData["client-secret"]).and.not.to.contain(stringData["cookie-secret"]);
      }
      for (const { inputs } of named(/core\/v1:Secret$/)) {
        const data = inputs.stringData as Record<string, unknown>;
        expect(isSecret(data) || (isSecret(data["client-secret"]) && isSecret(data["cookie-secret"]))).to.equal(true);
      }
    });

    it("trap 54: the cookie secret decodes to the length of an AES key", () => {
      for (const { inputs } of named(/core\/v1:Secret$/)) {
        const { stringData } = plainText(inputs) as { stringData: Record<string, string> };
        const text = stringData["cookie-secret"];
        expect(text).to.match(/^[A-Za-z0-9]{32}$/);
        // SecretBytes: trailing = trimmed, raw URL base64, if that gives 16, 24 or 32 bytes.
        expect([16, 24, 32]).to.include(Buffer.from(text, "base64url").length);
      }
    });

    it("trap 55: a rotated secret restarts the proxy", () => {
      const hashes = named(/Chart$/).map(
        ({ inputs }) =>
          (inputs as { values: { podAnnotations: Record<string, string> } }).values.podAnnotations[
            "homelab/secret-hash"
          ],
      );
      expect(new Set(hashes).size).to.equal(3);
      hashes.forEach((hash) => expect(hash).to.match(/^[0-9a-f]{16}$/));
    });

    it("is guarded before it runs", () => {
      for (const chart of named(/Chart$/)) {
        const policy = named(/CiliumNetworkPolicy$/).find(({ parent }) => parent === chart.parent);
        expect(policy && dependsOn(resources, chart, policy), chart.name).to.equal(true);
      }
    });
  });
});
