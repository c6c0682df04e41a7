import { expect } from "chai";
import { gatewayManifest, redirectManifests } from "../../../components/network/gateway-manifests";
import { HomeGateway } from "../../../components/network/home-gateway";
import { httpListener, httpsListener } from "../../../components/network/route";
import { GATEWAY_ACCESS_LABEL } from "../../../components/network/names";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { ciliumReleases, homeWithCilium, problems } from "./support";

interface Listener {
  name: string;
  hostname?: string;
  port: number;
  protocol: string;
  tls?: { mode: string; certificateRefs: { name: string; namespace?: string }[] };
  allowedRoutes: { namespaces: { from: string; selector: { matchLabels: Record<string, string> } } };
}

const homelab = home();
const listeners = gatewayManifest(homelab).spec.listeners as Listener[];
const of = (protocol: string) => listeners.filter((listener) => listener.protocol === protocol);

describe("the home Gateway", () => {
  it("is what Gateway API's CRDs accept, on the standard channel too", () => {
    for (const version of ciliumReleases) {
      const stack = homeWithCilium(version);
      for (const manifest of [gatewayManifest(stack), ...redirectManifests(stack)]) {
        expect(problems(stack, manifest), `${version} ${manifest.kind}`).to.deep.equal([]);
      }
    }
  });

  it("has for each host one HTTPS listener with a certificate of its own namespace", () => {
    expect(of("HTTPS").map(({ name, hostname }) => [name, hostname])).to.deep.equal(
      Object.entries(homelab.routes).map(([service, host]) => [httpsListener(service), host]),
    );
    for (const { tls, port } of of("HTTPS")) {
      expect(port).to.equal(443);
      expect(tls?.mode).to.equal("Terminate");
      expect(tls?.certificateRefs[0]).not.to.have.property("namespace");
    }
  });

  it("cilium#44123: every HTTP listener names its host, or Cilium drops routes of a host that has HTTPS as well", () => {
    expect(of("HTTP").map(({ name, hostname }) => [name, hostname])).to.deep.equal(
      Object.entries(homelab.routes).map(([service, host]) => [httpListener(service), host]),
    );
  });

  it("admits routes by namespace label only, and trap 44: its own namespace has the label, for challenges", async () => {
    for (const { allowedRoutes, name } of listeners) {
      expect(allowedRoutes.namespaces, name).to.deep.equal({
        from: "Selector",
        selector: { matchLabels: { [GATEWAY_ACCESS_LABEL]: "true" } },
      });
    }
    const { resources } = await record(() => {
      new HomeGateway("home-gateway", { homelab });
    });
    const namespace = resources.find(({ type }) => type === "kubernetes:core/v1:Namespace");
    expect(namespace?.inputs).to.have.nested.property("metadata.name", "networking");
    expect((namespace?.inputs.metadata as { labels: object }).labels).to.include({ [GATEWAY_ACCESS_LABEL]: "true" });
    const gateway = resources.find(({ type }) => type.endsWith(":Gateway"));
    const redirect = resources.find(({ type }) => type.endsWith(":HTTPRoute"));
    expect(gateway?.dependencies).to.include(namespace?.urn);
    expect(redirect?.dependencies).to.include(gateway?.urn);
  });

  it("is waited for until it is programmed at the address of the configuration", () => {
    const annotation = gatewayManifest(homelab).metadata.annotations?.["pulumi.com/waitFor"] ?? "";
    expect(JSON.parse(annotation)).to.deep.equal([
      "condition=Programmed",
      "jsonpath={.status.addresses[0].value}=192.168.10.224",
    ]);
  });

  it("redirects HTTP to HTTPS for its own hosts, by a prefix that an exact challenge path goes before", () => {
    const redirects = redirectManifests(homelab).map(
      ({ spec }) =>
        spec as {
          parentRefs: { sectionName: string }[];
          hostnames: string[];
          rules: { matches: object[]; filters: { requestRedirect: object }[]; backendRefs?: unknown }[];
        },
    );
    expect(redirects.flatMap(({ parentRefs }) => parentRefs.map(({ sectionName }) => sectionName))).to.have.members(
      of("HTTP").map(({ name }) => name),
    );
    expect(redirects.flatMap(({ hostnames }) => hostnames)).to.have.members(Object.values(homelab.routes));
    for (const { rules } of redirects) {
      expect(rules).to.have.length(1);
      expect(rules[0].matches).to.deep.equal([{ path: { type: "PathPrefix", value: "/" } }]);
      expect(rules[0].filters[0].requestRedirect).to.deep.equal({ scheme: "https", statusCode: 301 });
      expect(rules[0]).not.to.have.property("backendRefs");
    }
  });
});
