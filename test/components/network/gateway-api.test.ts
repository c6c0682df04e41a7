import { expect } from "chai";
import { GatewayApiCrds, gatewayApiServed, gatewayApiUrl } from "../../../components/network/gateway-api";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { crdVersions } from "../../support/crds";
import { home } from "../../support/home";
import { ciliumReleases } from "./support";

const generated = { identity: { kind: "machine-id", value: "a" }, hostKey: "ssh-ed25519 AAAA" } as const;

/** CRDs of a bundle that lack a version which is needed. */
function missing(bundle: string, cilium: string): string[] {
  const served = crdVersions(bundle);
  return Object.entries(gatewayApiServed(cilium)).flatMap(([crd, versions]) =>
    versions.filter((version) => !served[crd]?.includes(version)).map((version) => `${crd} ${version}`),
  );
}

describe("Gateway API's CRDs", () => {
  it("trap 2: Cilium 1.15 needs the experimental channel, where GRPCRoute v1alpha2 is served and not just listed", () => {
    expect(missing("gateway-api-standard-1.1.0", "1.15.6")).to.deep.equal([
      "grpcroutes.gateway.networking.k8s.io v1alpha2",
      "tlsroutes.gateway.networking.k8s.io v1alpha2",
    ]);
    expect(missing("gateway-api-experimental-1.1.0", "1.15.6")).to.deep.equal([]);
  });

  it("trap 3: v1.2 has no GRPCRoute v1alpha2 any more, which Cilium 1.15 needs", () => {
    expect(missing("gateway-api-standard-1.2.1", "1.15.6")).to.include("grpcroutes.gateway.networking.k8s.io v1alpha2");
  });

  it("Cilium 1.16 needs TLSRoute, 1.17 and 1.18 run on the standard channel of v1.1.0", () => {
    expect(missing("gateway-api-standard-1.1.0", "1.16.19")).to.deep.equal([
      "tlsroutes.gateway.networking.k8s.io v1alpha2",
    ]);
    expect(missing("gateway-api-experimental-1.1.0", "1.16.19")).to.deep.equal([]);
    for (const version of ["1.17.18", "1.18.12"]) {
      expect(missing("gateway-api-standard-1.1.0", version), version).to.deep.equal([]);
    }
  });

  it("always include what this program itself writes", () => {
    for (const version of ciliumReleases) {
      expect(gatewayApiServed(version)).to.include.keys("gateways.gateway.networking.k8s.io");
      expect(gatewayApiServed(version)["httproutes.gateway.networking.k8s.io"]).to.deep.equal(["v1"]);
    }
  });

  it("come from the release", () => {
    expect(gatewayApiUrl(home())).to.equal(
      "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.1.0/standard-install.yaml",
    );
  });

  it("are applied by the control plane and stay out of the state", async () => {
    const homelab = home();
    const { resources } = await record(() => {
      const controlPlane = hostOf(homelab, homelab.controlPlane, generated);
      new GatewayApiCrds("gateway-api", { homelab, controlPlane });
    });
    expect(resources.filter(({ type }) => type.startsWith("kubernetes:"))).to.deep.equal([]);
    const apply = resources.find(({ type }) => type === "command:remote:Command");
    expect(JSON.stringify(apply?.inputs.stdin)).to.contain(homelab.versions.gatewayApi.sha256);
  });
});
