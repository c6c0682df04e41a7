import { randomUUID } from "node:crypto";
import { expect } from "chai";
import type { Context } from "mocha";
import type { Homelab, NodeMachine } from "../../config/homelab";
import { disksState, disksStep } from "../../nodes/disks/step";
import { assignments, renderProbe, renderRun, type HostProbe, type HostScript } from "../../nodes/host-script";
import { PROVIDER_VERSION, hostStateProvider, packed, type Facts } from "../../nodes/host-state";
import { commandLine } from "../../nodes/host-step";
import { PACKAGES } from "../../nodes/os/settings";
import { osState, osStep } from "../../nodes/os/step";
import { Machine } from "../../sandbox/machine";
import type { Ran } from "../../sandbox/processes";
import type { DiskSpec } from "../../sandbox/qemu";
import { sandboxProblem } from "../../sandbox/requirements";
import { home } from "../support/home";
import { skipBecause } from "../support/skip";

const MIB = 1 << 20;
/** One disk for each tier that needs one, and one that belongs to somebody else. */
export const DISKS = {
  "optane-1": { serial: "OPTANE1", bytes: 48 * MIB, bus: "virtio" },
  "nvme-1": { serial: "NVME1", bytes: 48 * MIB, bus: "virtio" },
  "sas-1": { serial: "SAS1", bytes: 48 * MIB, bus: "scsi" },
  "sas-2": { serial: "SAS2", bytes: 32 * MIB, bus: "scsi" },
} as const satisfies Record<string, DiskSpec>;
export type LabDisk = keyof typeof DISKS;

/** The node of the home stack that the machine stands for: the one with disks of its own. */
export const NODE = "k3s3";

let booted: Promise<Machine> | undefined;
let bootstrapped: Promise<void> | undefined;

// A root hook: after the last of all suites.
after(async function () {
  this.timeout(60_000);
  const machine = await booted?.catch(() => undefined);
  await machine?.destroy();
  console.log(
    `  machine tests: ${(performance.now() / 60_000).toFixed(1)} minutes${machine ? `, by ${machine.accelerator}` : ""}`,
  );
});

afterEach(async function () {
  if (this.currentTest) {
    const { state, title } = this.currentTest;
    if (state === "failed") {
      const machine = await booted?.catch(() => undefined);
      console.log(`      console of the machine after '${title}':\n${machine?.consoleTail(8)}`);
    }
  }
});

/** Prints how long something took, in the suite's own indentation. */
export async function timed<T>(what: string, action: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await action();
  console.log(`      ${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Skips the suite with the reason where no machine can be booted; in CI that is a failure. Skips it also where whoever
 * runs all suites has no time for it, by the moment in HOMELAB_MACHINE_TESTS_UNTIL (seconds since 1970).
 *
 * @param how.further what else is in the way; undefined if nothing is.
 * @param how.always time does not count: what it shows must be shown each time.
 */
export function needMachines(context: Context, how: { further?: string; always?: boolean } = {}): void {
  const { further, always = false } = how;
  const problem = sandboxProblem() ?? further;
  if (problem !== undefined) {
    if (process.env.CI) {
      throw new Error(`no machine can be booted here: ${problem}`);
    }
    skipBecause(context, problem);
  }
  const until = Number(process.env.HOMELAB_MACHINE_TESTS_UNTIL ?? Infinity);
  if (!always && Date.now() > until * 1000) {
    skipBecause(context, `no suite is begun after ${new Date(until * 1000).toISOString()}`);
  }
}

async function theMachine(): Promise<Machine> {
  booted ??= (async () => {
    const machine = await timed("image and files of the machine", () =>
      Machine.create({ name: NODE, packages: [...PACKAGES, "nfs-kernel-server"], disks: DISKS }),
    );
    await timed(`boot by ${machine.accelerator}`, () => machine.boot());
    // One suite serves films, and starts it; at the boots of all others it would take seconds.
    await machine.sh("systemctl disable --now --quiet nfs-server.service 2>/dev/null");
    await machine.checkpoint("clean");
    return machine;
  })();
  return booted;
}

/** The machine as it was installed, with the packages that the bootstrap would install, and nothing else of ours. */
export async function cleanMachine(): Promise<Machine> {
  const machine = await theMachine();
  await machine.revert("clean");
  return machine;
}

/** The machine after the bootstrap of the operating system; the first call does it. */
export async function bootstrappedMachine(): Promise<Machine> {
  const machine = await theMachine();
  bootstrapped ??= (async () => {
    await machine.revert("clean");
    const ran = await timed("bootstrap of a machine that has its packages", () =>
      runStep(machine, osStep(lab(machine), node(machine))),
    );
    expect(ran.status, ran.stderr).to.equal(0);
    await machine.checkpoint("bootstrapped");
  })();
  await bootstrapped;
  await machine.revert("bootstrapped");
  return machine;
}

/** The home stack, with its GPU worker standing on the machine. `edit` gets that worker's configuration. */

export function lab(machine: Machine, edit: (worker: any) => void = () => undefined): Homelab {
  return home((config) => {
    config.cluster.timeServers = [];
    // Without its GPU and some of its disks, apps would have nowhere to run.
    config.apps = {};
    const worker = config.machines[NODE];
    delete worker.gpu;
    worker.ssh = { user: machine.user, hostKey: machine.hostKey.split(" ").slice(0, 2).join(" ") };
    worker.identity = machine.identity;
    for (const name of Object.keys(worker.disks as object)) {
      const id = machine.disks[name];
      // Disks of the machine are a little larger than what is promised of them.
      if (id === undefined || name === "sas-2") {
        delete worker.disks[name];
      } else {
        Object.assign(worker.disks[name], { id, sizeGb: 0.05 });
      }
    }
    const tiers = Object.values(worker.disks as Record<string, { tier: string }>).map(({ tier }) => tier);
    for (const tier of ["optane", "nvme", "sas-ssd"].filter((name) => !tiers.includes(name))) {
      delete config.storage.tiers[tier];
    }
    edit(worker);
  });
}

export function node(machine: Machine, homelab = lab(machine)): NodeMachine {
  const found = homelab.nodes.find(({ name }) => name === NODE);
  if (!found) {
    throw new Error(`no node ${NODE}`);
  }
  return found;
}

/** How many logins the machine has accepted since it was booted; the question itself is none. */
export async function logins(machine: Machine): Promise<number> {
  return Number(await machine.sh("journalctl --sync; journalctl -b -u ssh -o cat | grep -c '^Accepted' || true"));
}

/** Secrets of a step, by the name of its variable. */
export type StepSecrets = Readonly<Record<string, string>>;

/** What HostStep gives to the connection: its words, and the step's whole text on standard input. */
export function stepText(machine: Pick<Machine, "identity">, script: HostScript, secrets: StepSecrets = {}): string {
  return renderRun(script, machine.identity, Object.keys(secrets).length === 0 ? "" : assignments(secrets));
}

/**
 * Runs a step as HostStep does, by the user's sudo, through the login that is there: a login of its own costs a second in
 * software emulation, and job.test.ts looks at it.
 */
export async function runStep(machine: Machine, script: HostScript, secrets: StepSecrets = {}): Promise<Ran> {
  return runText(machine, script, stepText(machine, script, secrets));
}

/**
 * The same with another text in the place of the step's own.
 *
 * @param after bash text for root, run after the step whatever came of it, by the same login.
 * @returns also what that has printed.
 */
export async function runText(
  machine: Machine,
  { timeoutSeconds }: HostScript,
  text: string,
  after = "",
): Promise<Ran & { after: string }> {
  const mark = `after ${randomUUID()}`;
  const ran = await machine.shell(
    `${inputTo(machine.user, commandLine(machine.user, timeoutSeconds), text)}status=$?\necho '${mark}'\n${after}\nexit $status\n`,
  );
  const [stdout, said] = ran.stdout.split(`${mark}\n`);
  return { ...ran, stdout, after: said };
}

/** Runs a connection's command, which reads `input`, as root or as the machine's user. */
export async function runAs(machine: Machine, user: string, command: string, input: string): Promise<Ran> {
  return machine.shell(inputTo(user, command, input));
}

function inputTo(user: string, command: string, input: string): string {
  const as = user === "root" ? "" : `runuser -u ${user} -- `;
  return `${as}${command} <<'END_OF_STEP'\n${input}END_OF_STEP\n`;
}

export function changes(ran: Ran): string[] {
  expect(ran.status, ran.stderr).to.equal(0);
  return ran.stdout.split("\n").filter((line) => line.startsWith("changed: "));
}

/** The program's own HostState for a step of the machine. */
export class WatchedState {
  public constructor(
    private readonly machine: Machine,
    private readonly step: HostScript,
    private readonly probe: HostProbe,
    private readonly expected: Facts,
    private readonly secrets: StepSecrets = {},
  ) {}

  public static os(machine: Machine): WatchedState {
    const homelab = lab(machine);
    const { probe, expected } = osState(homelab, node(machine));
    return new WatchedState(machine, osStep(homelab, node(machine)), probe, expected);
  }

  public static disks(machine: Machine): WatchedState {
    const homelab = lab(machine);
    const { probe, expected } = disksState(homelab, node(machine, homelab));
    return new WatchedState(machine, disksStep(homelab, node(machine, homelab)), probe, expected);
  }

  /** As the program does after the step; fails unless every fact is as expected. */
  public async create(): Promise<Record<string, string>> {
    const { outs } = await hostStateProvider.create(this.props());
    return outs!.facts as Record<string, string>;
  }

  /** What `pulumi refresh` would show: the facts that differ, as `name: found`. */
  public async drift(): Promise<string[]> {
    const facts = await this.facts();
    return Object.keys(this.expected)
      .filter((name) => facts[name] !== this.expected[name])
      .map((name) => `${name}: ${facts[name]}`)
      .sort();
  }

  public async facts(): Promise<Record<string, string>> {
    const { props } = await hostStateProvider.read!(this.machine.name, this.props());
    return (props as { facts: Record<string, string> }).facts;
  }

  /** What `pulumi up` does after such a refresh; fails unless it repairs everything. */
  public async update(): Promise<void> {
    await hostStateProvider.update!(this.machine.name, this.props(), this.props());
  }

  private props() {
    return {
      machine: this.machine.name,
      connection: this.machine.connection(),
      probe: renderProbe(this.probe, this.machine.identity),
      expected: this.expected,
      repair: packed(stepText(this.machine, this.step, this.secrets)),
      providerVersion: PROVIDER_VERSION,
    };
  }
}
