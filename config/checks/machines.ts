import { show } from "../issues";
import { isPlaceholder } from "../placeholders";
import { ofEach, ofRules } from "../readable";
import { toMib } from "../units";
import { issueIf, type Check } from "./check";

const oneControlPlane: Check = {
  name: "there is one control plane",
  run({ machines }) {
    const [first, ...others] = ofEach(machines, ({ role }, name) => (role === "control-plane" ? [name] : []));
    const isMissing = () => Object.values(machines).every(({ role }) => role !== "control-plane");
    return [
      ...issueIf(first === undefined && isMissing(), () => ({
        path: "machines",
        found: `no control plane among ${Object.keys(machines).join(", ") || "no machines"}`,
        allowed: "exactly one machine with role control-plane",
        fix: "give one machine the role control-plane",
      })),
      ...others.map((name) => ({
        path: `machines.${name}.role`,
        found: `a second control plane beside ${first}`,
        allowed: "exactly one control plane: high availability is not supported",
        fix: "make it a worker; etcd snapshots and the rebuild are the safety net",
      })),
    ];
  },
};

const virtualMachine: Check = {
  name: "the control plane's VM has a host and room",
  run({ machines }) {
    return ofEach(machines, (machine, name) => {
      const vm = machine.role === "control-plane" ? machine.vm : undefined;
      if (!vm) {
        return [];
      }
      const least = (key: "memory" | "disk", size: string, reason: string) =>
        issueIf(toMib(vm[key]) < toMib(size), () => ({
          path: `machines.${name}.vm.${key}`,
          found: vm[key],
          allowed: `at least ${size}: ${reason}`,
          fix: `write ${size} or more`,
        }));
      return ofRules(
        () => {
          const hypervisors = Object.keys(machines).filter((host) => machines[host].role === "hypervisor");
          return issueIf(!hypervisors.includes(vm.host), () => ({
            path: `machines.${name}.vm.host`,
            found: vm.host,
            allowed: hypervisors.join(" or ") || "a machine with role hypervisor, and there is none",
            fix: "name a machine with role hypervisor",
          }));
        },
        () => least("memory", "2Gi", "a K3s server starts with no less"),
        () => least("disk", "20Gi", "images and etcd fill a smaller disk, and the kubelet evicts pods below 5% free"),
      );
    });
  },
};

const provenIdentity: Check = {
  name: "every machine can be told from every other",
  run({ machines }) {
    return ofEach(machines, (machine, name) => {
      const at = `machines.${name}`;
      if (machine.role === "control-plane" && machine.vm) {
        const generated = (path: string, found: unknown) =>
          issueIf(found !== undefined, () => ({
            path,
            found: show(found),
            allowed: "nothing for a VM of ours: the program makes it and knows it before the first boot",
            fix: "remove the key",
          }));
        return ofRules(
          () => generated(`${at}.identity`, machine.identity),
          () => generated(`${at}.ssh.hostKey`, machine.ssh.hostKey),
        );
      }
      return ofRules(
        () =>
          issueIf(machine.identity === undefined, () => ({
            path: `${at}.identity`,
            found: "nothing",
            allowed: "kind and value of an identifier: no machine is written to before it has proved who it is",
            fix: "on the machine run: cat /etc/machine-id, or sudo dmidecode -s system-serial-number",
          })),
        () =>
          issueIf(machine.ssh.hostKey === undefined, () => ({
            path: `${at}.ssh.hostKey`,
            found: "nothing",
            allowed: "the machine's ed25519 public host key: there is no connection without one",
            fix: `on ${name}'s own console run: cat /etc/ssh/ssh_host_ed25519_key.pub`,
          })),
      );
    });
  },
};

const identityForms = {
  "machine-id": { form: /^[0-9a-f]{32}$/, allowed: "32 lower-case hexadecimal digits", command: "cat /etc/machine-id" },
  "product-uuid": {
    form: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    allowed: "a UUID",
    command: "sudo dmidecode -s system-uuid",
  },
  "product-serial": { form: /./, allowed: "a serial number", command: "sudo dmidecode -s system-serial-number" },
} as const;

const identityForm: Check = {
  name: "identities have the form of their kind",
  run({ machines }) {
    return ofEach(machines, ({ identity }, name) => {
      if (!identity || isPlaceholder(identity.value)) {
        return [];
      }
      const { form, allowed, command } = identityForms[identity.kind];
      return issueIf(!form.test(identity.value), () => ({
        path: `machines.${name}.identity.value`,
        found: show(identity.value),
        allowed: `${allowed}, as kind ${identity.kind} says`,
        fix: `on ${name} run: ${command}`,
      }));
    });
  },
};

/** Two reboots closer than this can overlap: a slow server needs ten minutes to boot, and K3s some more. */
const REBOOT_DISTANCE_MINUTES = 30;
const DAY_MINUTES = 24 * 60;

const rebootWindows: Check = {
  name: "machines reboot one after the other",
  run({ machines }) {
    const windows = ofEach(machines, ({ rebootWindow }, name) => {
      const [hour, minute] = rebootWindow.split(":").map(Number);
      return [{ name, rebootWindow, at: hour * 60 + minute }];
    });
    return windows.flatMap(({ name, rebootWindow, at }, index) => {
      const neighbour = windows.slice(0, index).find((other) => {
        const apart = Math.abs(other.at - at);
        return Math.min(apart, DAY_MINUTES - apart) < REBOOT_DISTANCE_MINUTES;
      });
      return issueIf(neighbour !== undefined, () => ({
        path: `machines.${name}.rebootWindow`,
        found: `${rebootWindow}, and ${neighbour?.name} reboots at ${neighbour?.rebootWindow}`,
        allowed: `at least ${REBOOT_DISTANCE_MINUTES} minutes from every other machine's`,
        fix: "give every machine an hour of its own",
      }));
    });
  },
};

export const machineChecks: readonly Check[] = [
  oneControlPlane,
  virtualMachine,
  provenIdentity,
  identityForm,
  rebootWindows,
];
