import * as core from "@pulumi/kubernetes/core/v1";
import { expect } from "chai";
import { Cilium, ciliumCrds } from "../../../components/network/cilium";
import { ciliumValues } from "../../../components/network/cilium-values";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { crdVersions } from "../../support/crds";
import { home } from "../../support/home";
import { schemaErrors, unknownValuePaths } from "../../support/values";
import { ciliumReleases, homeWithCilium, routedPool } from "./support";

const values = (...args: Parameters<typeof homeWithCilium>): any => ciliumValues(homeWithCilium(...args));

const generated = { identity: { kind: "machine-id", value: "a" }, hostKey: "ssh-ed25519 AAAA" } as const;

describe("Cilium's values", () => {
  for (const version of ciliumReleases) {
    it(`trap 66: the chart ${version} knows every one of them`, () => {
      expect(unknownValuePaths("cilium", version, values(version))).to.deep.equal([]);
      expect(schemaErrors("cilium", version, values(version))).to.deep.equal([]);
    });
  }

  it("trap 1: ALPN and application protocols are set where they exist, and nowhere else", () => {
    expect(values("1.15.6").gatewayAPI).to.deep.equal({ enabled: true });
    for (const version of ["1.16.19", "1.17.18", "1.18.12"]) {
      expect(values(version).gatewayAPI).to.include({ enableAlpn: true, enableAppProtocol: true });
    }
    const without = values("1.17.18", (config) => (config.network.gateway.alpn = false));
    expect(without.gatewayAPI).to.include({ enableAlpn: false, enableAppProtocol: false });
  });

  it("trap 9, trap 69: the GatewayClass does not depend on what the API server has at render time", () => {
    for (const version of ["1.16.19", "1.17.18", "1.18.12"]) {
      expect(values(version).gatewayAPI.gatewayClass.create).to.equal("true");
    }
  });

  it("trap 11: the operator is ready with the first node, so the chart waits for no other", () => {
    expect(values("1.17.18").operator.replicas).to.equal(1);
  });

  it("trap 12: pod pool equals the K3s cluster CIDR", () => {
    const custom = values("1.17.18", (config) => (config.network.podCidr = "10.60.0.0/16"));
    expect(custom.ipam).to.deep.equal({
      mode: "cluster-pool",
      operator: { clusterPoolIPv4PodCIDRList: ["10.60.0.0/16"] },
    });
  });

  it("trap 13, trap 14: nothing is signed at render time, so two renders are the same", () => {
    for (const version of ciliumReleases) {
      const { hubble } = values(version);
      expect(hubble.tls).to.deep.equal({ enabled: false, auto: { enabled: false } });
      expect(hubble.relay.enabled || hubble.ui.enabled).to.equal(false);
    }
  });

  it("Hubble without TLS does not listen on the LAN", () => {
    expect(values("1.17.18").hubble.listenAddress).to.equal("");
  });

  it("trap 15: a changed configuration restarts agents, Envoy and operator", () => {
    const { rollOutCiliumPods, operator, envoy } = values("1.17.18");
    expect([rollOutCiliumPods, operator.rollOutPods, envoy.rollOutPods]).to.deep.equal([true, true, true]);
  });

  it("trap 35: ServiceMonitors do not depend on what the API server has at render time", () => {
    expect(values("1.17.18").prometheus.serviceMonitor).to.include({ enabled: true, trustCRDsExist: true });
  });

  it("replaces kube-proxy and asks the API on each node's own loopback", () => {
    expect(values("1.17.18")).to.include({
      kubeProxyReplacement: "true",
      k8sServiceHost: "127.0.0.1",
      k8sServicePort: 6444,
      routingMode: "tunnel",
      tunnelProtocol: "vxlan",
    });
  });

  it("allows as many requests as one node needs that announces the whole pool by ARP", () => {
    expect(values("1.17.18").k8sClientRateLimit).to.deep.equal({ qps: 14, burst: 28 });
    const wide = values("1.17.18", (config) => {
      config.network.pool = "192.168.10.128/26";
      config.network.gateway.ip = "192.168.10.130";
    });
    expect(wide.k8sClientRateLimit.qps).to.be.at.least(10 + 64 / 5);
    const off = values("1.17.18", routedPool);
    expect(off.l2announcements.enabled).to.equal(false);
    expect(off).not.to.have.property("k8sClientRateLimit");
  });

  it("runs the BGP control plane only for a house with BGP", () => {
    expect(values("1.17.18").bgpControlPlane.enabled).to.equal(true);
    expect(values("1.17.18", (config) => delete config.network.bgp).bgpControlPlane.enabled).to.equal(false);
  });
});

describe("Cilium", () => {
  it("waits only for CRDs that its release registers, at a version that it serves", () => {
    for (const version of ciliumReleases) {
      const served = crdVersions(`cilium-${version}`);
      for (const wanted of ciliumCrds(homeWithCilium(version))) {
        const [crd, api] = wanted.split("=");
        expect(served[crd], `${version} ${crd}`).to.include(api);
      }
    }
    expect(ciliumCrds(homeWithCilium("1.18.12"))).to.include("ciliumloadbalancerippools.cilium.io=v2");
    expect(ciliumCrds(homeWithCilium("1.17.18", (config) => delete config.network.bgp)).join()).not.to.contain("bgp");
  });

  it("trap 10: is ready only when the operator serves the GatewayClass, and every node is Ready", async () => {
    const homelab = home();
    const { resources } = await record(() => {
      const joined = new core.ConfigMap("joined", {});
      const controlPlane = hostOf(homelab, homelab.controlPlane, generated);
      new Cilium("cilium", { homelab, controlPlane, nodes: [joined] });
    });
    const chart = resources.find(({ type }) => type === "kubernetes:helm.sh/v4:Chart");
    expect(chart?.inputs).to.include({ version: "1.17.18", namespace: "kube-system" });
    const gates = resources.filter(({ type }) => type === "homelab:nodes:HostStep");
    expect(gates.map(({ name }) => name)).to.have.members(["cilium-nodes-ready", "cilium-operator-ready"]);
    for (const gate of gates) {
      expect(gate.dependencies, gate.name).to.include(chart?.urn);
    }
    const joined = resources.find(({ name }) => name === "joined");
    expect(gates.find(({ name }) => name === "cilium-nodes-ready")?.dependencies).to.include(joined?.urn);
    const commands = resources.filter(({ type }) => type === "command:remote:Command");
    const texts = commands.map(({ inputs }) => String(inputs.stdin)).join();
    expect(texts).to.contain("GATEWAY_CLASS='cilium'").and.to.contain("NODES=('k3s-master1' 'k3s1' 'k3s2' 'k3s3')");
  });
});
