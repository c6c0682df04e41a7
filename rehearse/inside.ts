import * as fs from "node:fs";
import * as path from "node:path";
import { parseHomelab } from "../config/parse";
import type { Choice } from "./artefacts/choice";
import { inControllersPlace } from "./artefacts/controllers";
import type { Sizes } from "./artefacts/sizes";
import { STACK, type StackConfig } from "./config";
import { begunBy, deployer } from "./deploy/deployer";
import type { RehearsalIdentity } from "./identity";
import { leftOut, notRehearsed, standIns } from "./not-rehearsed";
import { printProgress } from "./report/progress";
import { readRecord, recordOf, writeRecord } from "./report/record";
import { reportOf } from "./report/report";
import { World } from "./world";

/** What the half outside hands to the half inside; a file, because it holds keys. */
export interface Order {
  config: StackConfig;
  identity: RehearsalIdentity;
  /** What of it is real. */
  choice: Choice;
  sizes: Sizes;
  phases?: string[];
  keep: boolean;
  /** File with the numbers of an earlier rebuild from nothing, which this one is compared with and replaces. */
  numbers?: string;
}

export const ORDER_FILE = "order.json";
export const STATE_FILE = "state.json";
export const RECORD_FILE = "report.json";
export const REPORT_FILE = "report.txt";

/** Exit statuses of the half inside. */
export const STATUS = { green: 0, failed: 1, interrupted: 130 } as const;

/** Runs inside of the namespaces; returns the exit status. */
export async function rehearse(folder: string): Promise<number> {
  const file = (name: string) => path.join(folder, name);
  const order = JSON.parse(fs.readFileSync(file(ORDER_FILE), "utf8")) as Order;
  const stop = new AbortController();
  // The pipe of the half outside: its end means that this one is to end, too.
  process.stdin.once("end", () => stop.abort()).resume();
  const stopped = new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
  const say = (text: string) => console.log(text);

  const began = new Date();
  let broken: string | undefined;
  const homelab = parseHomelab(order.config);
  const world = await World.start(homelab, order, folder, (what) => say(`starting: ${what}`));
  // Goes for the whole run: steps of a machine that is gone would knock until they give up.
  const breakOff = (reason: string) => {
    if (broken === undefined) {
      broken = reason;
      say(reason);
      stop.abort();
    }
  };
  world.onLost(breakOff);
  try {
    const resumed = begunBy(file(STATE_FILE)) !== undefined;
    // From nothing, the program knocks until a machine answers, as in a house. What it knows already it asks at once, and
    // takes silence for a failure: then all of them must be up, the VM too, which its hypervisor starts by itself.
    const booted = Promise.all([world.bootWorkers(), resumed ? world.untilVmAnswers(homelab) : undefined]).then(
      () => say("machines have booted"),
      (error: Error) => breakOff(error.message),
    );
    if (resumed) {
      await Promise.race([booted, stopped]);
    }
    const deploy = await deployer({
      name: STACK,
      config: order.config,
      stateFile: file(STATE_FILE),
      notRehearsed: notRehearsed(order.choice),
      inControllersPlace: inControllersPlace(homelab, order.choice),
      phases: order.phases,
      signal: stop.signal,
    });
    const progress = printProgress(say);
    const run = await deploy.up((event) => progress.take(event)).finally(() => progress.end());
    if (broken !== undefined) {
      run.errors.unshift(broken);
    }
    const { numbers, phases } = order;
    const nodesOnly = phases !== undefined;
    const before = numbers !== undefined && fs.existsSync(numbers) ? readRecord(numbers) : undefined;
    const record = recordOf(run, {
      at: began,
      stack: STACK,
      deployer: deploy.kind,
      standIns: standIns(order.choice, nodesOnly),
      leftOut: leftOut(order.choice, nodesOnly),
    });
    writeRecord(file(RECORD_FILE), record);
    const report = reportOf(record, before);
    fs.writeFileSync(file(REPORT_FILE), `${report}\n`);
    say(`\n${report}`);
    if (numbers !== undefined && run.ok) {
      writeRecord(numbers, record);
      say(`\nThe numbers are in ${numbers}; the next rebuild from nothing is compared with them.`);
    }
    if (order.keep && !stop.signal.aborted) {
      await booted;
      say(
        `\nThe machines are up. Enter one: ${file("enter")} k3s1 (or ${homelab.nodes.map(({ name }) => name).join(", ")}, ${homelab.hypervisors[0].name}); Ctrl-C ends them.`,
      );
      await stopped;
      return run.ok && broken === undefined ? STATUS.green : STATUS.failed;
    }
    return broken === undefined && stop.signal.aborted ? STATUS.interrupted : run.ok ? STATUS.green : STATUS.failed;
  } finally {
    say("switching the machines off");
    await world.stop();
  }
}
