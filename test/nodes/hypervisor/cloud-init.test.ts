import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { metaData, networkConfig, userData, vendorData } from "../../../nodes/hypervisor/cloud-init";
import { ed25519HostKey } from "../../../nodes/hypervisor/host-key";
import { planVm } from "../../../nodes/hypervisor/vm-names";
import { home } from "../../support/home";
import { needTools } from "./tools";

const seed = Buffer.alloc(32, 7).toString("base64");
const publicKey = ed25519HostKey(seed, "somebody").publicKey;

function generated(edit: (config: any) => void = () => undefined, generation = 1) {
  const homelab = home((config) => {
    config.authorizedKeys = [publicKey];
    edit(config);
  });
  const plan = planVm(homelab, homelab.controlPlane, generation);
  return {
    user: userData(homelab, plan),
    vendor: vendorData(plan, seed),
    meta: metaData(plan),
    network: networkConfig(homelab, plan),
  };
}

describe("cloud-init seed of the VM", () => {
  it("lets in the configured keys only, with sudo and without any password", () => {
    expect(parse(generated().user)).to.deep.equal({
      hostname: "k3s-master1",
      preserve_hostname: false,
      manage_etc_hosts: "localhost",
      timezone: "America/New_York",
      users: [
        {
          name: "homelab",
          lock_passwd: true,
          ssh_authorized_keys: [publicKey],
          shell: "/bin/bash",
          sudo: "ALL=(ALL) NOPASSWD:ALL",
        },
      ],
      disable_root: true,
      ssh_pwauth: false,
      ssh_deletekeys: true,
    });
  });

  it("leaves root open only where the program logs in as root", () => {
    const user = parse(generated((config) => (config.machines["k3s-master1"].ssh.user = "root")).user);
    expect(user.disable_root).to.equal(false);
    expect(user.users[0]).to.deep.equal({ name: "root", lock_passwd: true, ssh_authorized_keys: [publicKey] });
  });

  it("moves sshd where the configuration expects it", () => {
    const user = parse(generated((config) => (config.machines["k3s-master1"].ssh.port = 2222)).user);
    expect(user.write_files).to.deep.equal([
      { path: "/etc/ssh/sshd_config.d/10-homelab-port.conf", content: "Port 2222\n" },
    ]);
  });

  it("injects the host key whole, and nowhere but in the vendor-data", () => {
    const { vendor, ...others } = generated();
    const key = ed25519HostKey(seed, "k3s-master1");
    expect(vendor).to.match(/^#cloud-config\n/);
    expect(parse(vendor)).to.deep.equal({
      ssh_keys: { ed25519_private: key.privateKey, ed25519_public: key.publicKey },
    });
    for (const text of Object.values(others)) {
      expect(text).not.to.contain("PRIVATE");
    }
  });

  it("sets the guest up again for a new generation and for nothing else", () => {
    const before = parse(generated().meta);
    expect(before).to.deep.equal({ "instance-id": "home-k3s-master1-1", "local-hostname": "k3s-master1" });
    expect(parse(generated((config) => (config.cluster.timezone = "Europe/Berlin")).meta)).to.deep.equal(before);
    expect(parse(generated(undefined, 2).meta)["instance-id"]).to.equal("home-k3s-master1-2");
  });

  it("gives the address of the inventory with the LAN's prefix, and no search domain", () => {
    expect(parse(generated().network)).to.deep.equal({
      version: 2,
      ethernets: {
        lan0: {
          match: { macaddress: "52:54:00:6b:3a:30" },
          "set-name": "lan0",
          dhcp4: false,
          dhcp6: false,
          addresses: ["192.168.10.30/24"],
          routes: [{ to: "0.0.0.0/0", via: "192.168.10.1" }],
          nameservers: { addresses: ["192.168.10.1"] },
        },
      },
    });
  });

  it("quotes a MAC address of digits alone, which YAML 1.1 reads as a number to the base 60", () => {
    const { network } = generated((config) => (config.machines["k3s-master1"].vm.mac = "52:54:00:12:34:56"));
    const parsed = parse(network, { version: "1.1" });
    expect(parsed.ethernets.lan0.match.macaddress).to.equal("52:54:00:12:34:56");
  });

  it("satisfies cloud-init's own schema", function () {
    needTools(this, "cloud-init");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cloud-init-"));
    try {
      const { user, vendor } = generated((config) => (config.machines["k3s-master1"].ssh.port = 2222));
      for (const text of [user, vendor]) {
        const file = path.join(folder, "data");
        fs.writeFileSync(file, text);
        const { status, stdout, stderr } = spawnSync("cloud-init", ["schema", "--config-file", file]);
        expect(status, `${String(stdout)}${String(stderr)}`).to.equal(0);
      }
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
