import { expect } from "chai";
import { parse } from "yaml";
import { DcgmExporter } from "../../../components/gpu/dcgm-exporter";
import { IntelGpuPlugin } from "../../../components/gpu/intel-gpu-plugin";
import { intelDaemonSets } from "../../../components/gpu/intel-manifests";
import { NvidiaDevicePlugin } from "../../../components/gpu/nvidia-device-plugin";
import { dcgmExporterValues, nvidiaDevicePluginValues } from "../../../components/gpu/nvidia-values";
import type { Homelab } from "../../../config/homelab";
import { defaultPins } from "../../../config/pins";
import { hostOf } from "../../../nodes/host";
import { nodeLabels } from "../../../nodes/k3s/labels";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";

interface PluginValues {
  config: { map: Record<string, string>; default?: string };
  runtimeClassName: string;
  tolerations: unknown[];
}

const plugin = (homelab: Homelab) => nvidiaDevicePluginValues(homelab) as unknown as PluginValues;

/** A second GPU node with another number of slices. */
const twoGpus = (slices: number) =>
  home((config) => (config.machines.k3s2.gpu = { model: "RTX 4090", slices, driverBranch: 570 }));

const withoutGpus = () =>
  home((config) => {
    config.apps = {};
    delete config.machines.k3s3.gpu;
    delete config.machines.k3s1.quickSync;
    delete config.machines.k3s2.quickSync;
  });

const deploy = (homelab: Homelab) =>
  record(() => {
    const controlPlane = hostOf(homelab, homelab.controlPlane, {
      identity: { kind: "product-uuid", value: "5f0c1d7e" },
      hostKey: "ssh-ed25519 AAAA",
    });
    new NvidiaDevicePlugin("nvidia", { homelab, controlPlane });
    new DcgmExporter("dcgm", { homelab, controlPlane });
    new IntelGpuPlugin("intel", { homelab, controlPlane });
  });

describe("GPU", () => {
  describe("NVIDIA device plugin", () => {
    it("trap 66: its values are all known to the chart", () => {
      const values = nvidiaDevicePluginValues(twoGpus(2));
      expect(unknownValuePaths("nvidiaDevicePlugin", defaultPins.charts.nvidiaDevicePlugin, values)).to.deep.equal([]);
    });

    it("shares a Tesla T4 among four pods, and fails a request for two", () => {
      const { config, runtimeClassName } = plugin(home());
      expect(runtimeClassName).to.equal("nvidia");
      expect(config.default).to.equal("slices-4");
      expect(parse(config.map["slices-4"])).to.deep.equal({
        version: "v1",
        sharing: {
          timeSlicing: { failRequestsGreaterThanOne: true, resources: [{ name: "nvidia.com/gpu", replicas: 4 }] },
        },
      });
    });

    it("one slice is no sharing, because the plugin refuses a replica count of one", () => {
      const whole = home((config) => {
        config.machines.k3s3.gpu.slices = 1;
        config.apps = {};
      });
      expect(parse(plugin(whole).config.map["slices-1"])).to.deep.equal({ version: "v1" });
    });

    it("nodes with other slices choose their configuration by label, the others need none", async () => {
      const homelab = twoGpus(2);
      expect(Object.keys(plugin(homelab).config.map)).to.deep.equal(["slices-2", "slices-4"]);
      const { resources } = await deploy(homelab);
      const patches = resources.filter(({ type }) => type === "kubernetes:core/v1:NodePatch");
      expect(patches.map(({ inputs }) => inputs.metadata)).to.deep.equal([
        { name: "k3s3", labels: { "nvidia.com/device-plugin.config": "slices-4" } },
      ]);
      const gate = resources.find(({ name }) => name === "nvidia-allocatable")!;
      expect(gate.dependencies).to.include(patches[0].urn);
      const same = await deploy(twoGpus(4));
      expect(same.resources.filter(({ type }) => type.endsWith(":NodePatch"))).to.deep.equal([]);
    });

    it("trap 17: the kubelet root has no say in the folder of device plugins", () => {
      expect(JSON.stringify(nvidiaDevicePluginValues(home()))).not.to.contain(home().cluster.kubeletRoot);
    });

    it("trap 32: its affinity finds the label that K3s gives the node, and its taint is tolerated", () => {
      const homelab = home((config) => (config.machines.k3s3.taints = ["nvidia.com/gpu=present:NoSchedule"]));
      const gpuNode = homelab.workers.find(({ gpu }) => gpu)!;
      expect(nodeLabels(gpuNode)).to.include("nvidia.com/gpu.present=true");
      expect(plugin(homelab).tolerations).to.deep.equal([
        { key: "nvidia.com/gpu", operator: "Equal", value: "present", effect: "NoSchedule" },
      ]);
    });

    it("is proven by what the node offers, not by a DaemonSet that may match nothing", async () => {
      const { resources } = await deploy(home());
      const gate = String(resources.find(({ name }) => name === "nvidia-allocatable-apply")?.inputs.stdin);
      expect(gate).to.contain("RESOURCE='nvidia.com/gpu'").and.contain("NODES=('k3s3=4')");
    });
  });

  describe("DCGM exporter", () => {
    it("trap 66: its values are all known to the chart", () => {
      const values = dcgmExporterValues(home());
      expect(unknownValuePaths("dcgmExporter", defaultPins.charts.dcgmExporter, values)).to.deep.equal([]);
    });

    it("trap 18: the folder of pod resources follows the kubelet root", () => {
      const moved = home((config) => (config.cluster.kubeletRoot = "/var/lib/kubelet"));
      expect(dcgmExporterValues(home()).kubeletPath).to.equal("/var/lib/rancher/k3s/agent/kubelet/pod-resources");
      expect(dcgmExporterValues(moved).kubeletPath).to.equal("/var/lib/kubelet/pod-resources");
    });

    it("trap 34: has memory, its runtime class and its own mounts", () => {
      const values = dcgmExporterValues(home()) as {
        resources: { limits: { memory: string; cpu: string } };
        runtimeClassName: string;
      };
      expect(values.resources.limits).to.deep.equal({ memory: "1Gi", cpu: "1" });
      expect(values.runtimeClassName).to.equal("nvidia");
      expect(values).not.to.have.property("extraVolumeMounts");
    });

    it("takes no slice of the GPU", () => {
      expect(JSON.stringify(dcgmExporterValues(home()))).not.to.contain('"nvidia.com/gpu":');
    });
  });

  describe("Intel GPU plugin", () => {
    it("offers the render device of both OptiPlexes to as many pods as configured", () => {
      const [daemonSet, ...others] = intelDaemonSets(home());
      expect(others).to.deep.equal([]);
      const text = JSON.stringify(daemonSet);
      expect(text).to.contain('"args":["-shared-dev-num","4"]').and.contain('"values":["k3s1","k3s2"]');
      expect(text).to.contain(home().versions.images.intelGpuPlugin);
    });

    it("nodes with other numbers get a plugin of their own, and no node gets two", () => {
      const homelab = home((config) => (config.machines.k3s2.quickSync = { sharedBy: 8 }));
      const sets = intelDaemonSets(homelab).map((set) => JSON.stringify(set));
      expect(sets).to.have.length(2);
      expect(sets[0]).to.contain('"-shared-dev-num","4"').and.contain('"values":["k3s1"]');
      expect(sets[1]).to.contain('"-shared-dev-num","8"').and.contain('"values":["k3s2"]');
    });

    it("selects nodes by the label that K3s gives them", () => {
      const node = home().workers.find(({ quickSync }) => quickSync)!;
      expect(nodeLabels(node)).to.include("intel.feature.node.kubernetes.io/gpu=true");
      expect(JSON.stringify(intelDaemonSets(home()))).to.contain('"intel.feature.node.kubernetes.io/gpu":"true"');
    });

    it("trap 17: registers in the kubelet's constant folder, whatever its root", () => {
      const text = JSON.stringify(intelDaemonSets(home()));
      expect(text).to.contain('"path":"/var/lib/kubelet/device-plugins"').and.not.contain(home().cluster.kubeletRoot);
    });

    it("needs no privilege beyond its mounts", () => {
      const text = JSON.stringify(intelDaemonSets(home()));
      expect(text).to.contain('"drop":["ALL"]').and.contain('"automountServiceAccountToken":false');
      expect(text).not.to.contain('"privileged"');
    });

    it("is proven by what each node offers", async () => {
      const { resources } = await deploy(home());
      const gate = String(resources.find(({ name }) => name === "intel-allocatable-apply")?.inputs.stdin);
      expect(gate).to.contain("RESOURCE='gpu.intel.com/i915'").and.contain("NODES=('k3s1=4' 'k3s2=4')");
    });
  });

  it("without such hardware nothing is made", async () => {
    const { resources } = await deploy(withoutGpus());
    expect(resources.map(({ type }) => type).filter((type) => !type.startsWith("pulumi:"))).to.deep.equal([
      "homelab:gpu:NvidiaDevicePlugin",
      "homelab:gpu:DcgmExporter",
      "homelab:gpu:IntelGpuPlugin",
    ]);
  });
});
