import { expect } from "chai";
import { oidcClientId, oidcEndpoints, redirectUri } from "../../../components/identity/oidc";
import { trustedProxies } from "../../../components/identity/trusted-proxies";
import { oidcClients, proxiedServices } from "../../../components/secrets";
import { home } from "../../support/home";

describe("OpenID Connect addresses", () => {
  const homelab = home();

  it("trap 47: the issuer ends in a slash, for every client", () => {
    for (const client of oidcClients(homelab)) {
      expect(oidcEndpoints(homelab, client).issuer).to.equal(
        `https://authentik.fletcherlabs.net/application/o/${client}/`,
      );
    }
  });

  it("trap 48: every address is at the public name, none inside the cluster", () => {
    const moved = home((config) => (config.network.hosts = { authentik: "login.fletcherlabs.net" }));
    for (const client of oidcClients(homelab)) {
      for (const url of Object.values(oidcEndpoints(moved, client))) {
        expect(url).to.match(/^https:\/\/login\.fletcherlabs\.net\/application\/o\//);
      }
    }
  });

  it("keys, end of session and discovery are the client's own; the rest is shared", () => {
    expect(oidcEndpoints(homelab, "grafana")).to.deep.equal({
      issuer: "https://authentik.fletcherlabs.net/application/o/grafana/",
      authorization: "https://authentik.fletcherlabs.net/application/o/authorize/",
      token: "https://authentik.fletcherlabs.net/application/o/token/",
      userinfo: "https://authentik.fletcherlabs.net/application/o/userinfo/",
      jwks: "https://authentik.fletcherlabs.net/application/o/grafana/jwks/",
      endSession: "https://authentik.fletcherlabs.net/application/o/grafana/end-session/",
      discovery: "https://authentik.fletcherlabs.net/application/o/grafana/.well-known/openid-configuration",
    });
  });

  it("a browser comes back to the service's own host", () => {
    expect(redirectUri(homelab, "grafana")).to.equal("https://grafana.fletcherlabs.net/login/generic_oauth");
    for (const service of proxiedServices) {
      expect(redirectUri(homelab, service)).to.equal(`https://${service}.fletcherlabs.net/oauth2/callback`);
    }
    expect(new Set(oidcClients(homelab).map(oidcClientId)).size).to.equal(oidcClients(homelab).length);
  });

  it("forwarded headers are believed from pods and nodes only", () => {
    expect(trustedProxies(homelab)).to.deep.equal([
      "10.42.0.0/16",
      "192.168.10.30/32",
      "192.168.10.21/32",
      "192.168.10.23/32",
      "192.168.10.31/32",
    ]);
  });
});
