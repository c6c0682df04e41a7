import { expect } from "chai";
import { mediaClaim, mediaVolume } from "../../../components/storage/media-volume";
import { NfsStorage } from "../../../components/storage/nfs";
import { nfsValues } from "../../../components/storage/nfs-values";
import type { Homelab } from "../../../config/homelab";
import { defaultPins } from "../../../config/pins";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { unknownValuePaths } from "../../support/values";

const withoutMedia = () =>
  home((config) => {
    delete config.storage.media;
    config.apps = {};
  });

const deploy = (homelab: Homelab) =>
  record(() => {
    new NfsStorage("nfs", {
      homelab,
      controlPlane: hostOf(homelab, homelab.controlPlane, {
        identity: { kind: "product-uuid", value: "5f0c1d7e" },
        hostKey: "ssh-ed25519 AAAA",
      }),
    });
  });

describe("NFS storage", () => {
  it("trap 66: its values are all known to the chart", () => {
    expect(unknownValuePaths("csiDriverNfs", defaultPins.charts.csiDriverNfs, nfsValues(home()))).to.deep.equal([]);
  });

  it("trap 65: no pod changes the group of 30 TB of films", () => {
    expect(nfsValues(home())).to.deep.include({ feature: { enableFSGroupPolicy: false } });
  });

  it("trap 29: brings the snapshot CRDs and their controller", () => {
    expect(nfsValues(home()).externalSnapshotter).to.deep.equal({
      enabled: true,
      customResourceDefinitions: { enabled: true },
    });
  });

  it("takes the kubelet root from the configuration", () => {
    const moved = home((config) => (config.cluster.kubeletRoot = "/var/lib/kubelet"));
    expect(nfsValues(home()).kubeletDir).to.equal("/var/lib/rancher/k3s/agent/kubelet");
    expect(nfsValues(moved).kubeletDir).to.equal("/var/lib/kubelet");
  });

  it("the media volume is the hypervisor's export, retained", () => {
    expect(mediaVolume(home())?.spec).to.deep.equal({
      capacity: { storage: "30Ti" },
      accessModes: ["ReadWriteMany"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "media-static",
      volumeMode: "Filesystem",
      mountOptions: ["nfsvers=4.2", "hard", "noatime"],
      csi: {
        driver: "nfs.csi.k8s.io",
        volumeHandle: "192.168.10.100/mnt/rust/media",
        readOnly: false,
        volumeAttributes: { server: "192.168.10.100", share: "/mnt/rust/media" },
      },
    });
  });

  it("is read-only where the export is", () => {
    const readOnly = home((config) => {
      config.machines.r730.exports.media.readOnly = true;
      config.apps = {};
    });
    expect(mediaVolume(readOnly)?.spec).to.deep.include({ accessModes: ["ReadOnlyMany"] });
    expect(JSON.stringify(mediaVolume(readOnly)))
      .to.contain('"ro"')
      .and.contain('"readOnly":true');
    expect(mediaClaim(readOnly)?.accessModes).to.deep.equal(["ReadOnlyMany"]);
  });

  it("the claim fits the volume and no other", () => {
    const volume = mediaVolume(home());
    const spec = volume?.spec as { storageClassName: string; accessModes: string[]; capacity: object };
    expect(mediaClaim(home())).to.deep.equal({
      accessModes: spec.accessModes,
      storageClassName: spec.storageClassName,
      volumeName: (volume?.metadata as { name: string }).name,
      resources: { requests: spec.capacity },
    });
  });

  it("the volume outlives the program and may be made anew by a rebuild", async () => {
    const { resources } = await deploy(home());
    const volume = resources.find(({ type }) => type === "kubernetes:core/v1:PersistentVolume");
    expect(volume).to.include({ retainOnDelete: true, protect: false });
  });

  it("asserts the driver on every node, the control plane too", async () => {
    const { resources } = await deploy(home());
    const gate = String(resources.find(({ name }) => name === "nfs-csi-apply")?.inputs.stdin);
    expect(gate).to.contain("NODES=('k3s-master1' 'k3s1' 'k3s2' 'k3s3')").and.contain("DAEMONSET='csi-nfs-node'");
  });

  it("is nothing without media", async () => {
    const { resources } = await deploy(withoutMedia());
    expect(mediaVolume(withoutMedia())).to.equal(undefined);
    expect(mediaClaim(withoutMedia())).to.equal(undefined);
    expect(resources.map(({ name }) => name).filter((name) => name.startsWith("nfs"))).to.deep.equal(["nfs"]);
  });
});
