import { expect } from "chai";
import { AlertRules } from "../../../components/monitoring/alert-rules";
import { Alloy } from "../../../components/monitoring/alloy";
import { KubePrometheusStack } from "../../../components/monitoring/kube-prometheus-stack";
import { kubePrometheusStackValues } from "../../../components/monitoring/kube-prometheus-stack-values";
import { Loki } from "../../../components/monitoring/loki";
import { MonitoringCrds, monitoringCrdBundle } from "../../../components/monitoring/monitoring-crds";
import { GeneratedSecrets } from "../../../components/secrets";
import { hostOf } from "../../../nodes/host";
import { isSecret, record, type RecordedResource, type Recording } from "../../../plan/record";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";
import { everyReceiver, singleNode } from "./homes";

const homelab = everyReceiver();
const controlPlane = hostOf(homelab, homelab.workers[0]);

function program(): void {
  const service = { homelab, controlPlane };
  const secrets = new GeneratedSecrets("secrets", homelab);
  const crds = new MonitoringCrds("crds", service);
  const stack = new KubePrometheusStack("monitoring", {
    ...service,
    secrets,
    crds: crds.ready,
    storage: [crds],
    gateway: [crds],
  });
  const loki = new Loki("loki", { ...service, namespace: stack.namespace, storage: [crds] });
  new Alloy("alloy", { ...service, namespace: stack.namespace, lokiUrl: loki.url, crds: crds.ready });
  new AlertRules("rules", { homelab, namespace: stack.namespace, crds: crds.ready });
}

describe("kube-prometheus-stack", () => {
  const values = kubePrometheusStackValues(home(), "hash") as Record<string, Record<string, unknown>>;

  it("sets only values that the chart and its subcharts have", () => {
    for (const variant of [home(), singleNode(), everyReceiver()]) {
      const { kubePrometheusStack } = variant.versions.charts;
      expect(
        unknownValuePaths("kubePrometheusStack", kubePrometheusStack, kubePrometheusStackValues(variant, "hash")),
      ).to.deep.equal([]);
    }
  });

  it("leaves kube-state-metrics its list of objects, which holds leases (subchart 6.3.0): AddressNotAnnounced reads them", () => {
    expect(values["kube-state-metrics"] ?? {}).not.to.have.property("collectors");
  });

  it("trap 36: no webhook and no TLS, whose Secret only a hook would make", () => {
    expect(values.prometheusOperator).to.deep.include({
      admissionWebhooks: { enabled: false },
      tls: { enabled: false },
    });
  });

  it("watches no component that K3s runs inside itself, and brings no CRDs", () => {
    for (const part of ["kubeControllerManager", "kubeScheduler", "kubeProxy", "kubeEtcd", "crds"]) {
      expect(values[part], part).to.deep.equal({ enabled: false });
    }
  });

  it("drops what K3s shows at the kubelet's door, but keeps what the alerts read there", () => {
    const { metricRelabelings } = (values.kubelet as { serviceMonitor: { metricRelabelings: { regex: string }[] } })
      .serviceMonitor;
    const dropped = new RegExp(`^(${metricRelabelings[0].regex})$`);
    expect(dropped.test("apiserver_request_duration_seconds_bucket")).to.be.true;
    for (const kept of [
      "plugin_manager_total_plugins",
      "kubelet_volume_stats_used_bytes",
      "process_start_time_seconds",
    ]) {
      expect(dropped.test(kept), kept).to.be.false;
    }
  });

  describe("as resources", () => {
    let recording: Recording;
    const one = (type: string, name: string): RecordedResource => {
      const found = recording.resources.filter((resource) => resource.type === type && resource.name === name);
      expect(found, `${type} ${name}`).to.have.length(1);
      return found[0];
    };
    before(async () => {
      recording = await record(program, { preview: false });
    });

    it("keeps namespace and Grafana's volume when the stack goes", () => {
      expect(one("kubernetes:core/v1:Namespace", "monitoring").retainOnDelete).to.be.true;
      const claim = one("kubernetes:core/v1:PersistentVolumeClaim", "monitoring-grafana-claim");
      expect(claim.retainOnDelete).to.be.true;
      expect(claim.inputs.spec).to.deep.include({
        storageClassName: "longhorn",
        resources: { requests: { storage: "10Gi" } },
      });
    });

    it("keeps every secret a secret, and none in a chart's values", () => {
      const found = recording.resources.filter(({ type }) => type === "kubernetes:core/v1:Secret");
      expect(found.map(({ inputs }) => (inputs.metadata as { name: string }).name)).to.have.members([
        "grafana-admin",
        "grafana-oidc",
        "alertmanager-receivers",
      ]);
      for (const { name, inputs } of found) {
        const data = inputs.stringData as Record<string, unknown>;
        const open = isSecret(data) ? [] : Object.entries(data).filter(([, value]) => !isSecret(value));
        expect(
          open.map(([key]) => key),
          name,
        ).to.deep.equal(name === "monitoring-grafana-admin" && !isSecret(data) ? ["admin-user"] : []);
      }
      const charts = recording.resources.filter(({ type }) => type === "kubernetes:helm.sh/v4:Chart");
      expect(charts.map(({ name }) => name)).to.have.members(["kube-prometheus-stack", "loki", "alloy"]);
      for (const secret of Object.values(homelab.secrets.alerts)) {
        expect(JSON.stringify(charts)).not.to.contain(secret);
      }
      expect(JSON.stringify(charts)).not.to.contain('"secret":');
    });

    it("trap 55: the secrets' hash reaches Grafana's pod, in the open", () => {
      const { values: set } = one("kubernetes:helm.sh/v4:Chart", "kube-prometheus-stack").inputs as {
        values: { grafana: { podAnnotations: Record<string, unknown> } };
      };
      expect(set.grafana.podAnnotations["homelab/secret-hash"]).to.match(/^[0-9a-f]{16}$/);
    });

    it("trap 35: CRDs come before every object of their kinds", () => {
      const served = recording.resources.filter(({ name }) => name.startsWith("crds-bundle"));
      const needy = recording.resources.filter(
        ({ type }) => type.startsWith("kubernetes:monitoring.coreos.com") || /^kubernetes:helm/.test(type),
      );
      expect(needy.length).to.be.above(8);
      for (const { name, dependencies } of needy) {
        expect(
          served.some(({ urn }) => dependencies.includes(urn)),
          name,
        ).to.be.true;
      }
    });

    it("trap 56: only Grafana, which has its own login, has a route; the others answer to their namespace", () => {
      const routes = recording.resources.filter(({ type }) => /HTTPRoute$/.test(type));
      expect(routes.map(({ inputs }) => inputs.spec)).to.deep.equal([
        {
          parentRefs: [{ name: "home", namespace: "networking", sectionName: "https-grafana" }],
          hostnames: ["grafana.fletcherlabs.net"],
          rules: [
            {
              matches: [{ path: { type: "PathPrefix", value: "/" } }],
              backendRefs: [{ name: "kube-prometheus-stack-grafana", port: 80 }],
            },
          ],
        },
      ]);
    });

    it("mounts no receivers' Secret where there are no receivers", async () => {
      const silent = home((config) => {
        config.monitoring.receivers = {};
        config.secrets.alerts = {};
        delete config.monitoring.deadMansSwitch;
        delete config.secrets.deadMansSwitch;
      });
      const { resources } = await record(() => {
        const secrets = new GeneratedSecrets("secrets", homelab);
        new KubePrometheusStack("monitoring", {
          homelab: silent,
          controlPlane,
          secrets,
          crds: [],
          storage: [],
          gateway: [],
        });
      });
      expect(resources.filter(({ name }) => name === "monitoring-receivers")).to.deep.equal([]);
    });
  });

  describe("CRDs", () => {
    it("are the ten of the operator, from its release or from the mirror", () => {
      const { url, sha256, served } = monitoringCrdBundle(home());
      expect(url).to.equal(
        "https://github.com/prometheus-operator/prometheus-operator/releases/download/v0.85.0/stripped-down-crds.yaml",
      );
      expect(sha256).to.equal(home().versions.prometheusOperatorCrds.sha256);
      expect(Object.keys(served)).to.have.length(10);
      expect(served).to.include.keys("servicemonitors.monitoring.coreos.com", "scrapeconfigs.monitoring.coreos.com");
      const mirrored = home((config) => {
        config.versions.mirror = { url: "http://mirror:8470", folder: "/mnt/mirror" };
      });
      expect(monitoringCrdBundle(mirrored).url).to.equal(`http://mirror:8470/files/${sha256}/stripped-down-crds.yaml`);
    });
  });
});
