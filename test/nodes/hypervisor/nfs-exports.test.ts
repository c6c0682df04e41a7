import { expect } from "chai";
import { exportsFile, planExports } from "../../../nodes/hypervisor/nfs-exports";
import { home } from "../../support/home";

function planned(edit: (config: any) => void = () => undefined) {
  const homelab = home(edit);
  return planExports(homelab, homelab.hypervisors[0]);
}

describe("NFS exports", () => {
  it("let in the cluster's nodes and nobody else", () => {
    const clients = exportsFile(planned())
      .split("\n")
      .filter((line) => line.startsWith("/"))
      .flatMap((line) =>
        line
          .split(" ")
          .slice(1)
          .map((client) => client.replace(/\(.*/, "")),
      );
    const nodes = ["192.168.10.30", "192.168.10.21", "192.168.10.23", "192.168.10.31"];
    expect(clients).to.deep.equal([...nodes, ...nodes]);
  });

  it("export nothing while the array is not mounted: every client has mountpoint=", () => {
    const [media, nvme] = exportsFile(planned()).split("\n").slice(1);
    expect(media).to.match(/^\/mnt\/rust\/media /);
    expect(media.match(/mountpoint=\/mnt\/rust\/media,/g)).to.have.length(4);
    expect(nvme.match(/mountpoint=\/mnt\/nvme_storage,/g)).to.have.length(4);
  });

  it("squash root, write through, and write only where the configuration lets them", () => {
    const text = exportsFile(
      planned((config) => {
        config.machines.r730.exports.media.readOnly = true;
        config.apps = {};
      }),
    );
    const [media, nvme] = text.split("\n").slice(1);
    expect(media).to.contain("(ro,sync,no_subtree_check,root_squash,").and.not.to.contain("(rw");
    expect(nvme).to.contain("(rw,sync,no_subtree_check,root_squash,").and.not.to.contain("no_root_squash");
  });

  it("keep their fsid through renames, rebuilds and new neighbours, or nodes would hold stale handles", () => {
    const before = planned().find(({ name }) => name === "media");
    const after = planned((config) => {
      config.cluster.generation = 7;
      config.machines.r730.exports = {
        a: { path: "/mnt/a" },
        films: { path: "/mnt/rust/media", mountPoint: "/mnt/rust" },
      };
      config.storage.media.export = "films";
    });
    expect(after.find(({ name }) => name === "films")?.fsid).to.equal(before?.fsid);
    expect(new Set(after.map(({ fsid }) => fsid)).size).to.equal(2);
    expect(before?.fsid).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it("fails for a path beside its mount point", () => {
    const { hypervisors, ...homelab } = home();
    const [hypervisor] = hypervisors;
    const beside = { ...hypervisor, exports: { m: { path: "/mnt/rusty", mountPoint: "/mnt/rust", readOnly: false } } };
    expect(() => planExports({ ...homelab, hypervisors: [beside] }, beside)).to.throw(
      "does not lie on its mount point",
    );
  });
});
