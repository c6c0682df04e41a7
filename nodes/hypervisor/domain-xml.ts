import { toKib } from "../../config/units";
import type { PlannedVm } from "./vm-names";

/**
 * The libvirt domain of a VM (libvirt's formatdomain; valid from libvirt 8.0, the one of Ubuntu 22.04).
 *
 * - SeaBIOS, no pflash: libvirt refuses internal snapshots of a domain with pflash (libvirt issue 460), and a snapshot
 *   before a risky change is what once saved this control plane.
 * - UUID and MAC are fixed, so the guest's identity, which every step checks, and its network survive a redefinition.
 * - `cache=none`: etcd's flushes reach the disk without a second copy in the host's page cache.
 * - The watchdog and the guest agent's channel do nothing until the guest uses them.
 */
export function domainXml({ domain, vm, hypervisor, paths }: PlannedVm): string {
  const { domainType, bridge } = hypervisor.libvirt;
  return `<domain type="${domainType}">
  <name>${escaped(domain)}</name>
  <uuid>${escaped(vm.uuid)}</uuid>
  <memory unit="KiB">${toKib(vm.memory)}</memory>
  <vcpu placement="static">${vm.vcpus}</vcpu>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <boot dev="hd"/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
${cpu(domainType)}
  <clock offset="utc">
    <timer name="rtc" tickpolicy="catchup"/>
    <timer name="pit" tickpolicy="delay"/>
    <timer name="hpet" present="no"/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
  <pm>
    <suspend-to-mem enabled="no"/>
    <suspend-to-disk enabled="no"/>
  </pm>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="none" discard="unmap"/>
      <source file="${escaped(paths.disk)}"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <disk type="file" device="cdrom">
      <driver name="qemu" type="raw"/>
      <source file="${escaped(paths.seed)}"/>
      <target dev="sda" bus="sata"/>
      <readonly/>
    </disk>
    <interface type="bridge">
      <mac address="${escaped(vm.mac)}"/>
      <source bridge="${escaped(bridge)}"/>
      <model type="virtio"/>
    </interface>
    <serial type="pty">
      <log file="${escaped(paths.consoleLog)}" append="on"/>
      <target port="0"/>
    </serial>
    <console type="pty">
      <target type="serial" port="0"/>
    </console>
    <channel type="unix">
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <rng model="virtio">
      <backend model="random">/dev/urandom</backend>
    </rng>
    <watchdog model="i6300esb" action="reset"/>
  </devices>
</domain>
`;
}

/**
 * Software emulation has no host CPU to pass through, and an old one is the fast one: QEMU carries out AVX by calls, and Go and
 * the C library would use it for every copy. This one has AES, which TLS needs more than anything else (QEMU's
 * target/i386/cpu.c).
 */
function cpu(domainType: "kvm" | "qemu"): string {
  return domainType === "kvm"
    ? `  <cpu mode="host-passthrough" check="none"/>`
    : `  <cpu mode="custom" match="exact" check="none">
    <model fallback="forbid">Westmere</model>
  </cpu>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
