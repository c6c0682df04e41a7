import { expect } from "chai";
import { excludedFileSystems, excludedMountPoints, nodeExporterValues } from "../../../components/monitoring/exporters";
import { home } from "../../support/home";

/** The part of Go's regular expressions that is used here reads the same in JavaScript. */
function excluded(homelab: ReturnType<typeof home>, mountPoint: string): boolean {
  return new RegExp(excludedMountPoints(homelab)).test(mountPoint);
}

describe("node-exporter", () => {
  const homelab = home();

  it("leaves out pods' mounts below the kubelet's root of the configuration, wherever that is", () => {
    const mount = "pods/5b0c/volumes/kubernetes.io~csi/pvc-1/mount";
    expect(excluded(homelab, `/var/lib/rancher/k3s/agent/kubelet/${mount}`)).to.be.true;
    const odd = home((config) => {
      config.cluster.kubeletRoot = "/data/k8s.d/kubelet";
    });
    expect(excluded(odd, `/data/k8s.d/kubelet/${mount}`)).to.be.true;
    expect(excluded(odd, `/data/k8sxd/kubelet/${mount}`), "the dot is a dot").to.be.false;
  });

  it("keeps the machine's own disks", () => {
    for (const mountPoint of ["/", "/boot/efi", "/mnt/nvme-1", "/var/lib/rancher", "/device", "/var/lib/homelab"]) {
      expect(excluded(homelab, mountPoint), mountPoint).to.be.false;
    }
    for (const mountPoint of ["/dev/shm", "/proc/fs", "/sys/fs/bpf", "/run/k3s/containerd/x", "/run/netns/cni-1"]) {
      expect(excluded(homelab, mountPoint), mountPoint).to.be.true;
    }
  });

  it("asks no file system of the network, whose server may hang", () => {
    const types = new RegExp(excludedFileSystems);
    expect(["nfs", "nfs4", "overlay"].every((type) => types.test(type))).to.be.true;
    expect(["ext4", "xfs", "vfat"].some((type) => types.test(type))).to.be.false;
  });

  it("carries the node's name, by which the alerts join it with Kubernetes", () => {
    expect(JSON.stringify(nodeExporterValues(homelab).prometheus)).to.contain(
      '"sourceLabels":["__meta_kubernetes_pod_node_name"],"targetLabel":"node"',
    );
  });
});
