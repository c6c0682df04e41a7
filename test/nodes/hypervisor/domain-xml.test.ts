import { spawnSync } from "node:child_process";
import { expect } from "chai";
import * as fs from "node:fs";
import { domainXml } from "../../../nodes/hypervisor/domain-xml";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { home } from "../../support/home";
import { needTools } from "./tools";

function xmlOf(edit: (config: any) => void = () => undefined, generation = 1): string {
  const homelab = home(edit);
  return domainXml(planVm(homelab, homelab.controlPlane, generation));
}

const emulated = (): string => xmlOf((config) => (config.machines.r730.libvirt.domainType = "qemu"));

describe("libvirt domain", () => {
  it("has the size, identity and network of the inventory", () => {
    const xml = xmlOf();
    for (const part of [
      "<name>home-k3s-master1</name>",
      "<uuid>5f0c1d7e-2b6a-4c39-9f58-7a3e61d2b0c4</uuid>",
      '<memory unit="KiB">8388608</memory>',
      '<vcpu placement="static">4</vcpu>',
      '<mac address="52:54:00:6b:3a:30"/>',
      '<source bridge="br0"/>',
      "/home-k3s-master1.generation-1.qcow2",
    ]) {
      expect(xml).to.contain(part);
    }
  });

  it("has no pflash, so that internal snapshots work", () => {
    expect(xmlOf()).not.to.match(/loader|nvram|firmware/);
  });

  it("passes the CPU through with KVM, and never without", () => {
    expect(xmlOf()).to.contain('<domain type="kvm">').and.to.contain('mode="host-passthrough"');
    expect(emulated()).to.contain('<domain type="qemu">').and.not.to.contain("host-passthrough");
  });

  it("takes another disk with another generation, and keeps all else", () => {
    expect(xmlOf(undefined, 2)).to.equal(xmlOf().replace("generation-1", "generation-2"));
  });

  it("is well-formed and valid by libvirt's schema", function () {
    needTools(this, "xmllint");
    const schema = "/usr/share/libvirt/schemas/domain.rng";
    const known = fs.existsSync(schema);
    if (!known) {
      console.log("      only well-formedness: libvirt's schemas are not on this machine");
    }
    for (const input of [xmlOf(), emulated()]) {
      const { status, stderr } = spawnSync("xmllint", ["--noout", ...(known ? ["--relaxng", schema] : []), "-"], {
        input,
        encoding: "utf8",
      });
      expect(status, stderr).to.equal(0);
    }
  });
});
