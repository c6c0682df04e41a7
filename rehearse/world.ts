import type { Server } from "node:http";
import * as path from "node:path";
import type { Homelab } from "../config/homelab";
import { mirrorServer } from "../mirror/serve";
import { ContainerHypervisor } from "../sandbox/hypervisor";
import { LAN_BRIDGE, Lan } from "../sandbox/lan";
import { Machine } from "../sandbox/machine";
import type { Sizes } from "./artefacts/sizes";
import { hostKey, userKey, type RehearsalIdentity } from "./identity";
import { disksOf, lanHosts, workerMac } from "./machines";
import { WORKER_PACKAGES, type Tell } from "./prepare";

/** Several machines boot at once here, by software emulation where it must be: as long as the VM is given by its step. */
const BOOT_SECONDS = 900;
/** In each guest by its agent, where it runs: freezing its file systems writes them back. */
const SYNC_GUESTS = `
for vm in $(virsh -q -c qemu:///system list --name); do
  timeout 20 virsh -q -c qemu:///system domfsfreeze "$vm"
done`;

/** How long machines are given to write back what they hold, before their power goes. */
const SYNC_MILLISECONDS = 30_000;

/**
 * The house that is rebuilt: a LAN with its router and mirror, the hypervisor, and the workers. All of it lives in this
 * process's namespaces and ends with them; its disks stay in the folder.
 */
export class World {
  private constructor(
    private readonly lan: Lan,
    private readonly mirror: Server,
    public readonly hypervisor: ContainerHypervisor,
    private readonly workers: readonly Machine[],
  ) {}

  /** Switches everything on. Workers are still booting when this returns; see `booted`. */
  public static async start(
    homelab: Homelab,
    { identity, sizes }: { identity: RehearsalIdentity; sizes: Sizes },
    folder: string,
    tell: Tell,
  ): Promise<World> {
    const { lan, domain, gateway } = homelab.network;
    const [r730] = homelab.hypervisors;
    const user = userKey(identity);
    const machineFolder = (name: string) => path.join(folder, "machines", name);
    tell("LAN and mirror");
    const network = await Lan.start({
      cidr: lan.cidr,
      router: lan.router,
      hosts: lanHosts(homelab),
      split: { domain, address: gateway.ip },
      folder,
    });
    const mirror = await serve(homelab);
    tell(`hypervisor ${r730.name}`);
    const hypervisor = await ContainerHypervisor.create({
      name: r730.name,
      bridge: LAN_BRIDGE,
      address: `${r730.address}/${lan.cidr.split("/")[1]}`,
      router: lan.router,
      hostKey: hostKey(identity, r730.name),
      machineId: identity.machines[r730.name].machineId,
      authorizedKey: user.publicKey,
      folder: machineFolder(r730.name),
      kvm: r730.libvirt.domainType === "kvm",
    });
    await hypervisor.boot();
    const workers: Machine[] = [];
    for (const worker of homelab.workers) {
      tell(`worker ${worker.name}`);
      workers.push(
        await Machine.create({
          name: worker.name,
          memoryMib: sizes.workerMib,
          processors: sizes.processors,
          rootGib: sizes.rootGib,
          packages: WORKER_PACKAGES,
          disks: disksOf(worker),
          network: { bridge: LAN_BRIDGE, mac: workerMac(homelab, worker.name), address: worker.address },
          keys: { host: hostKey(identity, worker.name), user },
          identity: identity.machines[worker.name],
          folder: machineFolder(worker.name),
        }),
      );
    }
    return new World(network, mirror, hypervisor, workers);
  }

  /** Tells if a worker's power goes without anybody's asking, and why; the VM's is the hypervisor's to tell. */
  public onLost(tell: (reason: string) => void): void {
    this.workers.forEach((worker) => worker.onLost(tell));
  }

  /**
   * Boots the workers, side by side.
   *
   * @throws Error with the last lines of the console of one that does not boot.
   */
  public async bootWorkers(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.boot(BOOT_SECONDS)));
  }

  /** Waits until the VM answers on SSH, where it has been started; longer than any boot that was seen, and no failure. */
  public async untilVmAnswers({ controlPlane: { address, ssh, vm } }: Homelab): Promise<void> {
    await this.hypervisor.run(`
      for _ in {1..${BOOT_SECONDS}}; do
        [ -n "$(virsh -q -c qemu:///system list --uuid | grep -xF ${vm?.uuid ?? "none"})" ] || exit 0
        [ "$(timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/${ssh.port} && head -c 4 <&3' 2>/dev/null)" != SSH- ] || exit 0
        sleep 1
      done`);
  }

  /** Has every machine write back what it holds, and takes their power away: the next start is one after a power cut. */
  public async stop(): Promise<void> {
    const written = Promise.allSettled([
      ...this.workers.map((worker) => worker.ssh("sync", "", "root")),
      this.hypervisor.run(SYNC_GUESTS),
    ]);
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, SYNC_MILLISECONDS))]);
    await Promise.all([...this.workers.map((worker) => worker.destroy()), this.hypervisor.kill()]);
    this.mirror.closeAllConnections();
    this.mirror.close();
    this.lan.stop();
  }
}

async function serve({ versions: { mirror } }: Homelab): Promise<Server> {
  if (!mirror) {
    throw new Error("a rehearsal needs versions.mirror");
  }
  const { hostname, port } = new URL(mirror.url);
  const server = mirrorServer(mirror.folder);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(port), hostname, resolve);
  });
  return server;
}
