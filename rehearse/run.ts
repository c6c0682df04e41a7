import * as fs from "node:fs";
import { UserError } from "../plan/user-error";
import { parseHomelab } from "../config/parse";
import { decisionKey, withMirror, withoutMirror, type Decision } from "./artefacts/decide";
import { plannedHomelab, rehearsalConfig } from "./config";
import { writeEnter } from "./enter";
import { newIdentity, userKey } from "./identity";
import { ORDER_FILE, STATUS, type Order } from "./inside";
import { firstProcess, startInside } from "./namespace";
import { REHEARSED_CHARTS, chartLines, standIns } from "./not-rehearsed";
import type { Options } from "./options";
import { SLOW, rehearsalProblems, rootProblem, type Tasks } from "./preflight";
import { fillMirror, prepareImages } from "./prepare";
import { RehearsalFolder } from "./state";

/** What `--only nodes` carries out. */
const NODE_PHASES = ["stack", "secrets", "cluster", "machines", "nodes", "k3s"];

/** What `npm run rehearse` does once its words are right; returns the exit status. */
export async function run(options: Options): Promise<number> {
  const state = new RehearsalFolder();
  const decision = options.mirror ? await withMirror(options.mirror, options.only !== "nodes") : withoutMirror();
  const homelab = plannedHomelab(decision.changes);
  const problems = options.clean
    ? rootProblem()
    : await rehearsalProblems(homelab, state.folder, tasksOf(decision, options));
  const user = state.user();
  if (user !== undefined) {
    problems.unshift(`another rehearsal is under way, process ${user}: wait for its end, or end it with Ctrl-C there`);
  }
  if (problems.length > 0) {
    throw new UserError(
      ["This computer cannot rehearse; nothing was started:", ...problems.map((problem) => `  ${problem}`)].join("\n"),
    );
  }
  if (options.mirror) {
    const { choice } = decision;
    console.log(`From ${options.mirror.folder}, by the pins of stack ${options.mirror.stack}:`);
    const nodesOnly = options.only === "nodes";
    [...(nodesOnly ? [] : chartLines(choice)), ...standIns(choice, nodesOnly).map((line) => `a stand-in: ${line}`)]
      .map((line) => `  ${line}`)
      .forEach((line) => console.log(line));
  }
  if (options.dryRun) {
    console.log("This computer can rehearse.");
    return 0;
  }
  if (options.clean) {
    state.clear();
    console.log(`Nothing is left of earlier rehearsals. Images stay in the sandbox's cache.`);
    return 0;
  }
  return underLock(state, options, decision);
}

function tasksOf({ choice, sizes }: Decision, { only }: Options): Tasks {
  const renders = only !== "nodes" && REHEARSED_CHARTS.some((name) => choice.charts[name] === "real");
  return { sizes, compiles: choice.k3s !== "real", renders };
}

async function underLock(state: RehearsalFolder, options: Options, decision: Decision): Promise<number> {
  state.open();
  let keep = true;
  const end = () => (keep ? state.close() : state.clear());
  try {
    const order = await prepare(state, options, decision);
    const status = await runInside(state, order);
    keep = status !== STATUS.green || options.keep;
    console.log(
      keep
        ? `Disks and state stay in ${state.folder}: the next run goes on from there; --fresh begins anew, --clean deletes them.`
        : "Nothing is left but the sandbox's cache of images.",
    );
    return status;
  } finally {
    end();
  }
}

async function prepare(state: RehearsalFolder, options: Options, decision: Decision): Promise<Order> {
  const { fresh, only, keep } = options;
  const { choice, sizes, changes } = decision;
  const tell = (what: string) => console.log(`preparing: ${what}`);
  const images = await prepareImages(tell);
  if (images.accelerator === "tcg") {
    console.log(SLOW);
  }
  const homelab = plannedHomelab(changes);
  const before = state.remembered();
  const key = [images.key, decisionKey(decision)].join(" ").trimEnd();
  const resumed = !fresh && before?.images === key;
  if (!resumed) {
    if (before) {
      console.log(fresh ? "beginning anew" : "the images or the artefacts are others now: beginning anew");
    }
    state.clear();
    state.open();
  } else {
    console.log(`going on from ${state.folder}`);
  }
  const made = [...homelab.hypervisors, ...homelab.workers].map(({ name }) => name);
  const identity = resumed ? before.identity : newIdentity(made);
  const mirrorFolder = state.path("mirror");
  const digests = await fillMirror(mirrorFolder, images, decision, tell);
  state.remember({ identity, images: key });
  const domainType = images.accelerator === "kvm" ? "kvm" : "qemu";
  const config = rehearsalConfig({ identity, digests, mirrorFolder, domainType, changes });
  parseHomelab(config);
  const order: Order = {
    config,
    identity,
    choice,
    sizes,
    keep,
    ...(only === "nodes" ? { phases: NODE_PHASES } : {}),
    // Only a rebuild from nothing is worth a comparison, and only with another one of its kind.
    ...(only === undefined && !resumed ? { numbers: state.numbers(decision.mirror !== undefined) } : {}),
  };
  fs.writeFileSync(state.path(ORDER_FILE), JSON.stringify(order), { mode: 0o600 });
  fs.writeFileSync(state.path("key"), userKey(identity).privateKey, { mode: 0o600 });
  return order;
}

/** One Ctrl-C reaches this process more than once: from the terminal, and again from npm, which hands it on. */
const SAME_MILLISECONDS = 1500;

/** Ctrl-C ends the half inside by its input, so that it can switch the machines off in order; a later one at once. */
async function runInside(state: RehearsalFolder, { config }: Order): Promise<number> {
  const inside = startInside(state.folder);
  let interrupted: number | undefined;
  const interrupt = () => {
    if (interrupted !== undefined) {
      if (Date.now() - interrupted > SAME_MILLISECONDS) {
        inside.kill("SIGKILL");
      }
    } else {
      interrupted = Date.now();
      console.log("\nending: the machines write back what they hold; Ctrl-C again takes their power away at once");
      inside.stdin?.end();
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  signals.forEach((signal) => process.on(signal, interrupt));
  inside.once("spawn", () => {
    state.alsoUsedBy(inside.pid ?? 0);
    setTimeout(() => {
      const first = firstProcess(inside);
      if (first !== undefined) {
        writeEnter(parseHomelab(config), state.folder, first);
      }
    }, 1000);
  });
  const status = await new Promise<number>((resolve, reject) => {
    inside.once("error", reject);
    inside.once("exit", (code, signal) => {
      if (!Object.values<number | null>(STATUS).includes(code)) {
        console.error(`the machines' side ended out of order: ${signal ?? `status ${code}`}`);
      }
      resolve(code ?? (interrupted === undefined ? STATUS.failed : STATUS.interrupted));
    });
  });
  signals.forEach((signal) => process.off(signal, interrupt));
  return status;
}
