import { expect } from "chai";
import { chartSources, type ChartName } from "../../../config/pins";
import { because, choiceOf, standInsOnly, type Choice, type Lacks } from "../../../rehearse/artefacts/choice";
import { inControllersPlace } from "../../../rehearse/artefacts/controllers";
import { SMALL, sizedMachines, sizesOf } from "../../../rehearse/artefacts/sizes";
import { plannedHomelab } from "../../../rehearse/config";
import { REHEARSED_CHARTS, notRehearsed, standIns } from "../../../rehearse/not-rehearsed";

const CHARTS = Object.keys(chartSources) as ChartName[];
const lacks = (changes: Partial<Lacks> = {}, charts: Partial<Lacks["charts"]> = {}): Lacks => ({
  k3s: undefined,
  charts: {
    ...(Object.fromEntries(CHARTS.map((name) => [name, undefined])) as Record<ChartName, undefined>),
    ...charts,
  },
  bundles: { gatewayApi: undefined, prometheusOperatorCrds: undefined },
  ...changes,
});
const pods = (...images: string[]) => ({ charts: REHEARSED_CHARTS, images });

describe("the choice of a rehearsal's artefacts", () => {
  const homelab = plannedHomelab();
  const names = (choice: Choice) => notRehearsed(choice);
  const everything = choiceOf(lacks(), pods());

  it("K3s with pods needs every chart of the program, and no other; without pods it needs its binary alone", () => {
    expect(everything.k3s).to.equal("real");
    expect(choiceOf(lacks({}, { dcgmExporter: "no", nvidiaDevicePlugin: "no" }), pods()).k3s).to.equal("real");
    expect(because(choiceOf(lacks({}, { loki: "no" }), pods()).k3s)).to.contain("1 such charts: loki");
    expect(choiceOf(lacks({}, { loki: "no" }), undefined).k3s).to.equal("real");
    expect(because(choiceOf(lacks({ k3s: "no binary" }), undefined).k3s)).to.equal(": no binary");
  });

  it("images that lack are counted, and the first are named", () => {
    expect(because(choiceOf(lacks(), pods("a:1", "b:1", "c:1", "d:1", "e:1")).k3s)).to.equal(
      ": 5 images are not complete in the mirror: a:1, b:1, c:1 and 2 more",
    );
    expect(choiceOf(lacks(), undefined).k3s).to.equal("real");
  });

  it("without a mirror the lists are what they were: no reasons, no webhooks, no bundles", () => {
    const choice = standInsOnly(CHARTS);
    const found = names(choice);
    expect(found.loki).to.equal("stand-in chart, CRDs and names only");
    expect(found).to.have.property("longhorn-csi");
    expect(Object.keys(found).filter((name) => name.includes("WebhookConfiguration"))).to.deep.equal([]);
    expect(standIns(choice)).to.deep.equal([
      "the K3s binary: Kubernetes' own API server, controllers, scheduler and etcd, compiled here",
      "nodes' pods: KWOK says that they run, and nothing runs in them",
      "Ubuntu's cloud image and the workers' system: Debian 12",
      "the hypervisor's hardware: a container with systemd, sshd and libvirtd, and no NFS server",
    ]);
    expect(inControllersPlace(homelab, choice)).to.deep.equal({});
  });

  it("with everything real only what is in the internet is not rehearsed", () => {
    expect(names(everything)).to.have.all.keys("velero-location", "certificates-ready", "cert-manager.io");
    expect(standIns(everything).join("\n")).not.to.match(/K3s|KWOK|contracts/);
    expect(inControllersPlace(homelab, everything)).to.deep.equal({});
  });

  it("real charts whose pods are not real keep every gate and kind, lose the reason of the chart and the webhooks", () => {
    const choice = choiceOf(lacks({ k3s: "no binary" }), pods());
    const found = names(choice);
    expect(found).not.to.have.any.keys("loki", "cilium", "oauth2-proxy-longhorn");
    expect(found).to.include.all.keys("longhorn-csi", "cluster-dns-answers", "longhorn.io", "v1/Service");
    expect(found).to.have.property("monitoring.coreos.com/v1/Prometheus");
    expect(found).to.have.property("kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration");
    expect(standIns(choice)[0]).to.match(/compiled here: no binary$/);
  });

  it("what the controllers of real charts would make is made in their place, by release", () => {
    const made = inControllersPlace(homelab, choiceOf(lacks({ k3s: "no" }), pods()));
    const { longhorn, cilium, "kube-prometheus-stack": operated, ...rest } = made;
    expect(rest).to.deep.equal({});
    expect(operated.map(({ kind, metadata }) => `${kind} ${metadata.name} in ${metadata.namespace}`)).to.deep.equal([
      "StatefulSet prometheus-kube-prometheus-stack-prometheus in monitoring",
      "StatefulSet alertmanager-kube-prometheus-stack-alertmanager in monitoring",
    ]);
    // Selectors of the chart's services (kube-prometheus-stack 77.14.0, helm template).
    const labels = operated.map(({ spec }) => (spec as { selector: { matchLabels: object } }).selector.matchLabels);
    expect(labels[0]).to.include({
      "app.kubernetes.io/name": "prometheus",
      "operator.prometheus.io/name": "kube-prometheus-stack-prometheus",
    });
    expect(labels[1]).to.include({
      "app.kubernetes.io/name": "alertmanager",
      alertmanager: "kube-prometheus-stack-alertmanager",
    });
    expect(longhorn.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).to.deep.equal([
      "StorageClass longhorn",
      ...homelab.workers.map(({ name }) => `Node ${name}`),
    ]);
    expect(cilium.map(({ metadata }) => metadata.name)).to.include("ciliumloadbalancerippools.cilium.io");
    // A stand-in chart brings them itself.
    expect(
      inControllersPlace(homelab, choiceOf(lacks({ k3s: "no" }, { longhorn: "no" }), pods())),
    ).not.to.have.property("longhorn");
    const unknown = plannedHomelab({ versions: { charts: { cilium: "1.17.99" } } });
    expect(inControllersPlace(unknown, choiceOf(lacks({ k3s: "no" }), pods())).cilium).to.deep.equal([]);
  });

  it("machines are as small as they were unless the kubelet is real, and larger still where pods run", () => {
    const standIn = choiceOf(lacks({ k3s: "no" }), pods());
    expect(sizesOf(standIn, true)).to.deep.equal(SMALL);
    expect(sizedMachines(homelab, standIn, true)).to.deep.equal({});
    expect(sizedMachines(homelab, everything, false)).to.deep.equal({});
    const grown = plannedHomelab({ machines: sizedMachines(homelab, everything, true) });
    for (const [index, { disks }] of grown.workers.entries()) {
      for (const [name, { sizeGb }] of Object.entries(disks)) {
        expect(sizeGb).to.be.greaterThan(homelab.workers[index].disks[name].sizeGb);
      }
    }
    const whole = sizesOf(everything, true);
    expect(whole.workerMib).to.be.greaterThan(sizesOf(everything, false).workerMib);
    // Longhorn's folder on the root disk is a part of it, and a quarter of that must stay free.
    const system = Math.max(...grown.workers.map(({ disks }) => disks.system.sizeGb));
    expect((whole.rootGib ?? 0) * 2 ** 30 * 0.75).to.be.greaterThan(system * 1e9);
  });
});
