import type { Homelab } from "../../config/homelab";
import { fetchUrl } from "../../config/mirror";
import { toBytes, toKib } from "../../config/units";
import type { HostScript } from "../host-script";
import { metaData, networkConfig, userData } from "./cloud-init";
import { domainXml } from "./domain-xml";
import type { PlannedStep } from "./hypervisor-steps";
import type { PlannedVm } from "./vm-names";

/** Name under which the VM step receives its vendor-data, the only part of the seed that is secret. */
export const VENDOR_DATA = "VENDOR_DATA";

/** Makes the VM on its hypervisor and waits until it answers on SSH. */
export function vmStep(homelab: Homelab, plan: PlannedVm): PlannedStep {
  const { domain, vm, hypervisor, machine, generation, paths } = plan;
  const { url, sha256 } = homelab.versions.cloudImage;
  return {
    script: {
      name: `${machine.name}-vm`,
      source: "hypervisor/vm.sh",
      variables: {
        DOMAIN: domain,
        UUID: vm.uuid,
        MAC: vm.mac,
        BRIDGE: hypervisor.libvirt.bridge,
        ADDRESS: machine.address,
        SSH_PORT: machine.ssh.port,
        GENERATION: generation,
        IMAGE_URL: fetchUrl(homelab, url, sha256),
        IMAGE_SHA256: sha256,
        DISK_BYTES: toBytes(vm.disk).toString(),
        FOLDER: paths.folder,
        DISK_PREFIX: paths.diskPrefix,
        DISK: paths.disk,
        SEED_FOLDER: paths.seedFolder,
        SEED: paths.seed,
        DEFINITION: paths.definition,
        CONSOLE_LOG: paths.consoleLog,
      },
      files: [
        { path: `${paths.seedFolder}/user-data`, mode: "0600", content: userData(homelab, plan) },
        { path: `${paths.seedFolder}/vendor-data`, mode: "0600", content: { secret: VENDOR_DATA } },
        { path: `${paths.seedFolder}/meta-data`, mode: "0600", content: metaData(plan) },
        { path: `${paths.seedFolder}/network-config`, mode: "0600", content: networkConfig(homelab, plan) },
        { path: paths.definition, mode: "0600", content: domainXml(plan) },
      ],
      secrets: [VENDOR_DATA],
      timeoutSeconds: 3600,
    },
    state: {
      probe: { source: "hypervisor/vm.probe.sh", variables: { DOMAIN: domain } },
      expected: {
        "vm.state": "running",
        "vm.autostart": "enable",
        "vm.type": hypervisor.libvirt.domainType,
        "vm.uuid": vm.uuid,
        "vm.vcpus": String(vm.vcpus),
        "vm.memoryKib": toKib(vm.memory).toString(),
        "vm.firmware": "bios",
        "vm.disks": paths.disk,
        "vm.runsFrom": paths.disk,
        "vm.diskBytes": toBytes(vm.disk).toString(),
        "vm.interfaces": `${vm.mac}@${hypervisor.libvirt.bridge}`,
      },
    },
  };
}

/** Runs on the VM itself: waits until cloud-init has finished, and installs the guest agent for clean shutdowns. */
export function firstBootStep({ machine }: PlannedVm): HostScript {
  return {
    name: `${machine.name}-first-boot`,
    source: "hypervisor/first-boot.sh",
    variables: { PACKAGES: ["qemu-guest-agent"] },
    timeoutSeconds: 1800,
  };
}
