import { expect } from "chai";
import { openNamespaces } from "../../components/isolation/default-deny";
import type { Homelab } from "../../config/homelab";
import { fixtures } from "../config/fixtures";
import { edited, home } from "../support/home";
import { NetworkPolicies, type Peer } from "../support/network-policies";
import { chartPods, ownPods, type Pod } from "../support/pods";
import { recordedHome, recordedStack, revealed, type RecordedStack } from "../support/stack";

const gateway: Peer = { entity: "ingress" };
const api: Peer = { entity: "kube-apiserver" };
const otherNode: Peer = { entity: "remote-node" };
const somewhere: Peer = { world: "example.org", ip: "93.184.216.34" };
const lan: Peer = { world: "", ip: "192.168.10.100" };

function show(peer: Peer): string {
  return "pod" in peer ? peer.pod : "entity" in peer ? peer.entity : `${peer.world} ${peer.ip ?? ""}`;
}

describe("graph: nothing talks to anything but by a stated flow", function () {
  // Whole stacks each; slow on a busy machine.
  this.timeout(120_000);
  let stack: RecordedStack;
  let homelab: Homelab;
  let policies: NetworkPolicies;
  let own: Pod[];
  let everybody: Pod[];
  const p = chartPods;

  before(async () => {
    homelab = home();
    stack = await recordedHome();
    policies = new NetworkPolicies(stack);
    own = ownPods(stack);
    everybody = [...own, ...Object.values(chartPods)];
  });

  const app = (name: string): Pod => {
    const found = own.find((pod) => pod.labels["app.kubernetes.io/name"] === name);
    expect(found, name).to.not.equal(undefined);
    return found as Pod;
  };
  const allowed = (from: Peer, to: Peer, port: number, protocol?: string) =>
    expect(policies.allows(from, to, port, protocol), `${show(from)} -> ${show(to)}:${port}`).to.equal(true);
  const denied = (from: Peer, to: Peer, port: number, protocol?: string) =>
    expect(policies.allows(from, to, port, protocol), `${show(from)} -> ${show(to)}:${port}`).to.equal(false);
  /** Of all pods and of what is outside, those that get to a pod's port. The pod's own node always does. */
  const whoReaches = (to: Pod, port: number) =>
    [...everybody, gateway, api, otherNode, somewhere, lan]
      .filter((from) => !("pod" in from && from.pod === to.pod) && policies.allows(from, to, port))
      .map(show)
      .sort();

  for (const fixture of fixtures("good")) {
    it(`every namespace is closed in both directions and can ask the DNS: ${fixture.name}`, async () => {
      const recorded = await recordedStack(fixture.stack, fixture.config);
      const judge = new NetworkPolicies(recorded);
      const names = recorded
        .ofType(/^kubernetes:core\/v1:Namespace$/)
        .map(({ inputs }) => (inputs.metadata as { name: string }).name);
      expect(names.length).to.be.greaterThan(6);
      for (const namespace of names.filter((name) => !Object.hasOwn(openNamespaces, name))) {
        const stranger: Pod = { pod: `${namespace}/stranger`, namespace, labels: {} };
        for (const direction of ["ingress", "egress"] as const) {
          expect(
            judge.selecting(stranger, direction).map(({ name }) => name),
            `${namespace} ${direction}`,
          ).to.include("default-deny");
        }
        for (const protocol of ["UDP", "TCP"]) {
          expect(judge.allows(stranger, chartPods.dns, 53, protocol), `${namespace} DNS ${protocol}`).to.equal(true);
        }
        for (const peer of [gateway, somewhere, lan]) {
          expect(judge.allows(peer, stranger, 8080), `${show(peer)} -> ${namespace}`).to.equal(false);
          expect(judge.allows(stranger, peer, 443), `${namespace} -> ${show(peer)}`).to.equal(false);
        }
      }
      // Pods, too, stand in closed namespaces only.
      for (const { namespace, pod } of ownPods(recorded)) {
        expect([...names, ...Object.keys(openNamespaces)], pod).to.include(namespace);
      }
    });
  }

  it("Prometheus reaches its targets, and only they are open to it", () => {
    for (const [to, port] of [
      [p.certManager, 9402],
      [p.certManagerWebhook, 9402],
      [p.certManagerInjector, 9402],
      [p.longhornManager, 9500],
      [p.dcgmExporter, 9400],
      [p.alertmanager, 9093],
      [p.alertmanager, 8080],
      [p.grafana, 3000],
      [p.loki, 3100],
      [p.alloy, 12345],
      [p.kubeStateMetrics, 8080],
      [p.prometheusOperator, 10250],
      [p.prometheusProxy, 44180],
      [p.alertmanagerProxy, 44180],
      [p.longhornProxy, 44180],
      [p.authentikServer, 9300],
      [p.authentikWorker, 9300],
      [p.velero, 8085],
      [p.nodeAgent, 8085],
      [p.dns, 9153],
      [app("prober"), 9115],
      [otherNode, 9100],
      [otherNode, 10250],
      [{ entity: "host" }, 9965],
      [api, 6443],
    ] as const) {
      allowed(p.prometheus, to, port);
    }
    denied(p.prometheus, p.longhornUi, 8000);
    denied(p.prometheus, p.authentikDatabase, 5432);
    denied(p.prometheus, p.authentikServer, 9000);
    denied(p.prometheus, p.longhornManager, 9502);
    denied(p.prometheus, somewhere, 443);
  });

  it("the gateway reaches the backend of every route", () => {
    const services = stack.ofType(/^kubernetes:core\/v1:Service$/).map(({ inputs }) => revealed(inputs)) as {
      metadata: { name: string; namespace: string };
      spec: { selector: Record<string, string> };
    }[];
    const ofCharts: Record<string, [Pod, number]> = {
      "kube-prometheus-stack-grafana": [p.grafana, 3000],
      "authentik-server": [p.authentikServer, 9000],
      "oauth2-proxy-prometheus": [p.prometheusProxy, 4180],
      "oauth2-proxy-alertmanager": [p.alertmanagerProxy, 4180],
      "oauth2-proxy-longhorn": [p.longhornProxy, 4180],
    };
    const routes = stack.ofType(/HTTPRoute$/).flatMap(({ inputs }) => {
      const { metadata, spec } = revealed(inputs) as {
        metadata: { namespace: string };
        spec: { rules: { backendRefs?: { name: string; port: number }[] }[] };
      };
      return spec.rules.flatMap(({ backendRefs = [] }) =>
        backendRefs.map((backend) => ({ ...backend, namespace: metadata.namespace })),
      );
    });
    expect(routes.length).to.be.at.least(Object.keys(homelab.routes).length);
    for (const { name, port, namespace } of routes) {
      if (Object.hasOwn(ofCharts, name)) {
        allowed(gateway, ...ofCharts[name]);
        continue;
      }
      const service = services.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
      expect(service, `${namespace}/${name}`).to.not.equal(undefined);
      const pods = own.filter((pod) =>
        Object.entries(service!.spec.selector).every(([key, value]) => pod.labels[key] === value),
      );
      expect(pods, name).to.have.length(1);
      allowed(gateway, pods[0], port);
    }
    allowed(gateway, p.solver, 8089);
  });

  it("the API server calls webhooks, from any node, and controllers call the API server", () => {
    for (const caller of [api, otherNode, { entity: "host" } as const]) {
      allowed(caller, p.certManagerWebhook, 10250);
      allowed(caller, p.longhornManager, 9501);
      allowed(caller, p.longhornManager, 9502);
    }
    denied(otherNode, p.longhornManager, 9500);
    denied(gateway, p.certManagerWebhook, 10250);
    const local = own.find(({ namespace }) => namespace === "local-path-storage") as Pod;
    for (const pod of [
      ...[p.certManager, p.certManagerWebhook, p.certManagerInjector, p.longhornManager, p.longhornCsi],
      ...[p.instanceManager, p.shareManager, p.snapshotController, p.nvidiaPlugin, p.prometheus, p.grafana, p.alloy],
      ...[p.kubeStateMetrics, p.prometheusOperator, p.velero, p.nodeAgent, local],
    ]) {
      allowed(pod, api, 6443);
    }
    for (const pod of [p.loki, p.alertmanager, p.prometheusProxy, p.longhornProxy, p.authentikServer, app("sonarr")]) {
      denied(pod, api, 6443);
    }
  });

  it("Longhorn's parts reach each other, and shared volumes are mounted from any node", () => {
    for (const from of [p.longhornManager, p.longhornCsi, p.instanceManager, p.shareManager]) {
      allowed(from, p.longhornManager, 9500);
      allowed(from, p.instanceManager, 10000);
    }
    allowed(p.longhornUi, p.longhornManager, 9500);
    allowed(otherNode, p.shareManager, 2049);
    denied(otherNode, p.instanceManager, 10000);
    denied(p.grafana, p.instanceManager, 10000);
    denied(app("sonarr"), p.longhornManager, 9500);
    denied(p.longhornProxy, p.longhornManager, 9500);
  });

  it("what leaves the house goes to its own server and nowhere else", () => {
    const b2: Peer = { world: homelab.backup.b2.endpoint };
    const acme: Peer = {
      world:
        homelab.network.certificates.issuer === "staging"
          ? "acme-staging-v02.api.letsencrypt.org"
          : "acme-v02.api.letsencrypt.org",
    };
    const ntfy: Peer = { world: "ntfy.sh" };
    allowed(p.velero, b2, 443);
    allowed(p.nodeAgent, b2, 443);
    allowed(p.certManager, acme, 443);
    allowed(p.alertmanager, ntfy, 443);
    denied(p.certManagerWebhook, acme, 443);
    denied(p.velero, ntfy, 443);
    denied(p.alertmanager, b2, 443);
    for (const pod of Object.values(chartPods).filter(({ namespace }) => namespace !== "kube-system")) {
      denied(pod, somewhere, 443);
      denied(pod, { world: "192.168.10.100", ip: "192.168.10.100" }, 22);
    }
    for (const pod of own) {
      denied(pod, lan, 22);
    }
    allowed(app("sonarr"), somewhere, 443);
    denied(app("jellyfin"), { world: "", ip: homelab.network.gateway.ip }, 80);
  });

  it("the prober gets its answers from every layer that it asks, and nothing else", () => {
    const prober = app("prober");
    const [ping, router] = [8, { world: "", ip: homelab.network.lan.router }];
    for (const node of [otherNode, api, { entity: "host" } as const]) {
      allowed(prober, node, ping, "ICMP");
      allowed(prober, node, 10250);
      denied(prober, node, 22);
      denied(prober, node, 13, "ICMP");
    }
    allowed(prober, api, 6443);
    allowed(prober, p.dns, 53, "UDP");
    allowed(prober, router, ping, "ICMP");
    allowed(prober, lan, ping, "ICMP");
    allowed(prober, lan, 2049);
    allowed(prober, gateway, 443);
    allowed(prober, { world: "", ip: homelab.network.gateway.ip }, 443);
    for (const port of [22, 53, 80, 443]) {
      denied(prober, router, port);
    }
    denied(prober, somewhere, ping, "ICMP");
    denied(prober, gateway, 80);
    denied(prober, p.prometheus, 9090);
    denied(prober, p.alertmanager, 9093);
    expect(whoReaches(prober, 9115)).to.deep.equal([show(p.prometheus)]);
  });

  it("the dead man's switch is reached where its URL is known, and only its own server", async () => {
    const watched = new NetworkPolicies(
      await recordedStack(
        "home",
        edited((config) => (config.secrets.deadMansSwitch = "https://Watch.example.org:8443/ping/secret-path")),
      ),
    );
    expect(watched.allows(p.alertmanager, { world: "watch.example.org" }, 8443)).to.equal(true);
    expect(watched.allows(p.alertmanager, { world: "watch.example.org" }, 443)).to.equal(false);
    expect(watched.allows(p.alertmanager, { world: "ntfy.sh" }, 443)).to.equal(true);
    denied(p.alertmanager, { world: "watch.example.org" }, 8443);
  });

  it("logs, dashboards and logins find each other", () => {
    allowed(p.alloy, p.loki, 3100);
    allowed(p.grafana, p.loki, 3100);
    allowed(p.grafana, p.prometheus, 9090);
    allowed(p.prometheus, p.alertmanager, 9093);
    allowed(p.authentikServer, p.authentikDatabase, 5432);
    allowed(p.authentikWorker, p.authentikDatabase, 5432);
    for (const pod of [p.grafana, p.prometheusProxy, p.alertmanagerProxy, p.longhornProxy, app("open-webui")]) {
      allowed(pod, gateway, 443);
    }
    // cert-manager asks for its own challenge first.
    allowed(p.certManager, gateway, 80);
    allowed(p.prometheusProxy, p.prometheus, 9090);
    allowed(p.alertmanagerProxy, p.alertmanager, 9093);
    allowed(p.longhornProxy, p.longhornUi, 8000);
  });

  it("the direct way is closed: what has no login of its own is reached by its proxy and its users alone", () => {
    expect(whoReaches(p.prometheus, 9090)).to.deep.equal([p.grafana, p.prometheusProxy].map(show).sort());
    expect(whoReaches(p.alertmanager, 9093)).to.deep.equal(
      [p.grafana, p.prometheus, p.alertmanagerProxy].map(show).sort(),
    );
    expect(whoReaches(p.longhornUi, 8000)).to.deep.equal([show(p.longhornProxy)]);
    expect(whoReaches(p.loki, 3100)).to.deep.equal([p.alloy, p.grafana, p.prometheus].map(show).sort());
    expect(whoReaches(p.authentikDatabase, 5432)).to.deep.equal(
      [p.authentikServer, p.authentikWorker].map(show).sort(),
    );
    expect(whoReaches(p.longhornManager, 9500)).to.not.include.members([show(p.longhornProxy), "ingress"]);
    for (const proxy of [p.prometheusProxy, p.alertmanagerProxy, p.longhornProxy]) {
      expect(whoReaches(proxy, 4180)).to.deep.equal(["ingress"]);
    }
  });

  it("the direct way is closed: every app is reached by what its access policy says, and by apps that use it", () => {
    const served = homelab.apps.filter(({ port }) => port !== undefined);
    expect(served.filter(({ access }) => access?.policy === "proxy")).to.have.length.greaterThan(5);
    for (const { name, port, access, jobs } of served) {
      const users = homelab.apps.filter(({ uses }) => uses.includes(name)).map((other) => show(app(other.name)));
      const own = Object.keys(jobs).map((job) => show(app(`${name}-${job}`)));
      const front = access === undefined ? [] : access.policy === "proxy" ? [show(p.authentikServer)] : ["ingress"];
      expect(whoReaches(app(name), Number(port)), name).to.deep.equal([...front, ...users, ...own].sort());
      // Nor is there another port to come in by.
      expect(whoReaches(app(name), 1), name).to.deep.equal([]);
    }
  });

  it("no service of the program stands outside of the gateway", () => {
    for (const { name, inputs } of stack.ofType(/^kubernetes:core\/v1:Service$/)) {
      const { type = "ClusterIP", externalIPs } = inputs.spec as { type?: string; externalIPs?: string[] };
      expect([type, externalIPs], name).to.deep.equal(["ClusterIP", undefined]);
    }
    for (const { inputs } of stack.ofType(/^kubernetes:core\/v1:ResourceQuota$/)) {
      expect((inputs.spec as { hard: object }).hard).to.include({
        "services.nodeports": "0",
        "services.loadbalancers": "0",
      });
    }
    // Pods of apps do not get around their policies by the network of the node.
    for (const { pod, spec } of ownPods(stack)) {
      expect(spec.hostNetwork ?? false, pod).to.equal(false);
    }
  });
});
