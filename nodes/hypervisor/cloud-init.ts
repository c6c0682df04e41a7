import type { Homelab } from "../../config/homelab";
import { toYaml } from "../../config/yaml";
import { ed25519HostKey } from "./host-key";
import type { PlannedVm } from "./vm-names";

/**
 * The guest's set-up at its first boot (cloud-init's NoCloud data source, formats of 22.4 and later). Only what the
 * program needs to log in; all else is the bootstrap's, which can change it again later.
 *
 * The root file system grows to the disk by cloud-init's own defaults (growpart, resize_rootfs).
 */
export function userData(homelab: Homelab, { machine }: PlannedVm): string {
  const { user, port } = machine.ssh;
  const isRoot = user === "root";
  return cloudConfig({
    hostname: machine.name,
    preserve_hostname: false,
    // Adds the 127.0.1.1 line and leaves the rest of /etc/hosts alone; sudo wants to resolve the host name.
    manage_etc_hosts: "localhost",
    timezone: homelab.cluster.timezone,
    // Replaces the list of the image, so the image's own default user does not come into being.
    users: [
      {
        name: user,
        lock_passwd: true,
        ssh_authorized_keys: [...homelab.authorizedKeys],
        ...(isRoot ? {} : { shell: "/bin/bash", sudo: "ALL=(ALL) NOPASSWD:ALL" }),
      },
    ],
    disable_root: !isRoot,
    ssh_pwauth: false,
    // Whatever keys the image brought are deleted; the vendor-data brings the only one.
    ssh_deletekeys: true,
    ...(port === 22
      ? {}
      : { write_files: [{ path: "/etc/ssh/sshd_config.d/10-homelab-port.conf", content: `Port ${port}\n` }] }),
  });
}

/**
 * The guest's host key. A file of its own, so that the user-data holds nothing secret and can be reviewed; cloud-init
 * merges it below the user-data. A guest that ignored it would make a key of its own and be refused: it fails closed.
 *
 * @param seedBase64 seed of the host key. Secret, and so is the result.
 */
export function vendorData({ machine }: PlannedVm, seedBase64: string): string {
  const { privateKey, publicKey } = ed25519HostKey(seedBase64, machine.name);
  return cloudConfig({ ssh_keys: { ed25519_private: privateKey, ed25519_public: publicKey } });
}

/** Says which instance the guest is. Derived from name and generation, so no other edit sets the guest up again. */
export function metaData({ instanceId, machine }: PlannedVm): string {
  return toYaml({ "instance-id": instanceId, "local-hostname": machine.name });
}

/**
 * The guest's network, version 2. The interface is found by its MAC address, because its kernel name follows from the
 * PCI slot. No search domain: pods inherit it, and with a wildcard record every failed look-up would find the gateway.
 */
export function networkConfig(homelab: Homelab, { machine, vm }: PlannedVm): string {
  const { cidr, router, dns } = homelab.network.lan;
  const prefixLength = cidr.split("/")[1];
  return toYaml({
    version: 2,
    ethernets: {
      [vm.interface]: {
        match: { macaddress: vm.mac },
        "set-name": vm.interface,
        dhcp4: false,
        dhcp6: false,
        addresses: [`${machine.address}/${prefixLength}`],
        // Not `gateway4`, which netplan has deprecated; not `default`, which older cloud-init does not read.
        routes: [{ to: "0.0.0.0/0", via: router }],
        nameservers: { addresses: [...dns] },
      },
    },
  });
}

function cloudConfig(config: Record<string, unknown>): string {
  return `#cloud-config\n${toYaml(config)}`;
}
