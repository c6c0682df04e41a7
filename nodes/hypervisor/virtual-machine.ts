import * as pulumi from "@pulumi/pulumi";
import type { ControlPlane, Homelab } from "../../config/homelab";
import { hostOf, type Host } from "../host";
import { HostLogin } from "../host-login";
import { HostStep } from "../host-step";
import { vendorData } from "./cloud-init";
import { ed25519HostKey } from "./host-key";
import { planVm } from "./vm-names";
import { firstBootStep, vmStep, VENDOR_DATA } from "./vm-steps";
import { OrderedComponent } from "../../components/ordered-component";

export interface VirtualMachineArgs {
  homelab: Homelab;
  /** A machine with a `vm` section. */
  machine: ControlPlane;
  /** The machine that runs it. */
  hypervisor: Host;
  /** 32 bytes in base64, from which the VM's host key is made. Secret. */
  hostKeySeed: pulumi.Input<string>;
  /** Rebuild generation. A higher one replaces the VM's disk; the one before is kept beside it. */
  generation: number;
}

/**
 * A VM from a cloud image, whose host key and identity are known before its first boot. Edits of its definition take
 * effect at its next boot; only a higher generation replaces its disk, and destroying this resource leaves it running.
 */
export class VirtualMachine extends OrderedComponent {
  public readonly host: Host;
  /** What steps on the VM wait for: cloud-init has finished. */
  public readonly ready: pulumi.Resource[];

  public constructor(name: string, args: VirtualMachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:nodes:VirtualMachine", name, opts);
    const { homelab, machine, hypervisor, generation } = args;
    const plan = planVm(homelab, machine, generation);
    const seed = pulumi.secret(args.hostKeySeed);

    const created = new HostStep(
      `${name}-vm`,
      {
        host: hypervisor,
        ...vmStep(homelab, plan),
        secrets: { [VENDOR_DATA]: seed.apply((value) => vendorData(plan, value)) },
      },
      { parent: this },
    );

    const host = hostOf(homelab, machine, {
      identity: { kind: "product-uuid", value: plan.vm.uuid },
      // The public half is no secret, and a reviewer wants to see which key is pinned.
      hostKey: pulumi.unsecret(seed.apply((value) => ed25519HostKey(value, machine.name).publicKey)),
    });
    this.host = { ...host, incarnation: `generation ${generation}` };
    const login = new HostLogin(`${name}-login`, this.host, { parent: this, dependsOn: [created] });
    const firstBoot = new HostStep(
      `${name}-first-boot`,
      { host: this.host, script: firstBootStep(plan) },
      { parent: this, dependsOn: [login] },
    );
    this.ready = [firstBoot];
    this.registerOutputs();
  }
}
