import * as fs from "node:fs";
import * as path from "node:path";
import { mockState } from "../../plan/mock-state";
import { PROJECT } from "../../plan/record";
import { removeFolder, temporaryFolder } from "../../sandbox/processes";
import { absentStep, reasonOf } from "./absent";
import type { Deployer, Stack } from "./deployer";
import { digest } from "./digest";
import { executorOf } from "./executors";
import type { Context, Done, Executor } from "./executors/executor";
import { closeApis } from "./executors/kubernetes";
import { Masking } from "./masking";
import { serveMonitor, type Registered } from "./monitor";
import { runProgram } from "./program";
import type { Registration } from "./registration";
import { StateFile, type Recorded } from "./state";
import { phaseOf, type OnEvent, type Run, type StepResult } from "./steps";

/** What a test may put in place of the real executors. */
export interface HarnessOptions {
  /** Who makes a resource, or why nobody does. Default: executorOf. */
  executorOf?: (registration: Registration) => Executor | { notRehearsed: string };
}

const ROOT = path.join(__dirname, "..", "..");

/**
 * Carries out a program without Pulumi's CLI: the program runs in the SDK's own runtime, the harness stands where the
 * engine does and makes what is registered, for real. It creates, updates and repairs, and never deletes.
 */
export class Harness implements Deployer {
  public readonly kind = "harness";

  public constructor(
    private readonly stack: Stack,
    private readonly options: HarnessOptions = {},
  ) {}

  /** @throws UserError if another run has the state open, or if it is not one of this stack. */
  public async up(onEvent: OnEvent): Promise<Run> {
    const state = StateFile.open(this.stack.stateFile, this.stack.name);
    const socket = socketBeside(this.stack.stateFile);
    const deployment = new Deployment(this.stack, state, this.options.executorOf ?? executorOf, onEvent);
    const address = `unix:${socket.path}`;
    const began = Date.now();
    const monitor = await serveMonitor(address, {
      stack: this.stack.name,
      project: PROJECT,
      register: (registration) => deployment.register(registration),
      log: (severity, message) => deployment.log(severity, message),
      outputs: (outputs) => (deployment.outputs = outputs),
    });
    try {
      const status = await runProgram({
        folder: this.stack.program ?? ROOT,
        stack: this.stack.name,
        project: PROJECT,
        config: this.stack.config,
        monitor: address,
        signal: deployment.signal,
        print: (text) => deployment.print(text),
      });
      return await deployment.ended(status, began);
    } finally {
      monitor.close();
      closeApis();
      state.close();
      socket.remove();
    }
  }
}

/** One run: every step that was begun, and how it ended. */
class Deployment {
  public outputs: Record<string, unknown> = {};
  public readonly signal: AbortSignal;
  private readonly steps: StepResult[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly seen = new Set<string>();
  private readonly providers = new Map<string, { id: string; inputs: Record<string, unknown> }>();
  private readonly errors: string[] = [];
  private readonly masking = new Masking();
  private printed = "";

  public constructor(
    private readonly stack: Stack,
    private readonly state: StateFile,
    private readonly choose: (registration: Registration) => Executor | { notRehearsed: string },
    private readonly onEvent: OnEvent,
  ) {
    this.signal = stack.signal ?? new AbortController().signal;
  }

  public register(registration: Registration): Promise<Registered> {
    this.masking.add(registration.secrets);
    if (!registration.custom && !registration.remote) {
      // A component is made of its parts.
      return Promise.resolve({ id: "", outputs: {} });
    }
    const step = this.step(registration).then((done) => done && { id: done.id, outputs: done.outputs });
    this.underWay.add(step);
    return step.finally(() => this.underWay.delete(step));
  }

  public log(severity: string, message: string): void {
    // What waits for a failed step fails with it, and was never begun.
    if (severity === "error" && !/ failed to register\b/.test(message) && !this.signal.aborted) {
      this.errors.push(this.masking.mask(message.trim()));
    } else if (severity === "warning" || severity === "info") {
      this.onEvent({ kind: "said", at: Date.now(), text: this.masking.mask(message.trim()) });
    }
  }

  public print(text: string): void {
    this.printed = `${this.printed}${text}`.slice(-4000);
  }

  public async ended(status: number | undefined, began: number): Promise<Run> {
    await Promise.allSettled(this.underWay);
    const failed = this.steps.some(({ outcome }) => outcome === "failed");
    if (this.signal.aborted) {
      this.errors.push("stopped before the end; what was done is in the state, and the next run goes on from there");
    } else if (status !== 0 && !failed && this.errors.length === 0) {
      const said = this.printed.trim().split("\n").slice(-15).join("\n");
      this.errors.push(`the program ended with status ${status ?? "none"}${said === "" ? "" : `:\n${said}`}`);
    }
    return {
      ok: status === 0 && !failed && this.errors.length === 0,
      steps: this.steps,
      milliseconds: Date.now() - began,
      errors: this.errors,
      outputs: this.outputs,
      leftBehind: status === 0 ? this.state.urns().filter((urn) => !this.seen.has(urn)) : [],
    };
  }

  /** Carries a resource out; undefined if it failed. */
  private async step(
    registration: Registration,
    whole?: { urn: string; standIn: string | undefined },
  ): Promise<Done | undefined> {
    const { urn, type, name } = registration;
    const phase = phaseOf(urn);
    const began = Date.now();
    this.seen.add(urn);
    this.onEvent({ kind: "began", at: began, urn, type, name, phase });
    const finish = ({ outcome, standIn, ...rest }: Pick<StepResult, "outcome" | "message" | "standIn">) => {
      const { dependencies } = registration;
      const message = rest.message === undefined ? undefined : this.masking.mask(rest.message);
      const step = {
        urn,
        type,
        name,
        phase,
        began,
        ended: Date.now(),
        outcome,
        message,
        standIn,
        dependencies,
        partOf: whole?.urn,
      };
      this.steps.push(step);
      this.onEvent({ kind: "ended", at: step.ended, step });
    };
    try {
      this.signal.throwIfAborted();
      const done = await this.carryOut(registration);
      if (type.startsWith("random:")) {
        this.masking.add(Object.values(done.outputs).filter((value) => typeof value === "string"));
      }
      finish({ ...done, standIn: done.standIn ?? whole?.standIn });
      return done;
    } catch (error) {
      const message = this.signal.aborted ? "stopped" : error instanceof Error ? error.message : String(error);
      finish({ outcome: "failed", message });
      return undefined;
    }
  }

  private async carryOut(registration: Registration): Promise<Done> {
    const { urn, type, inputs } = registration;
    const executor = this.choose(registration);
    const { phases } = this.stack;
    const reason =
      typeof executor === "object"
        ? executor.notRehearsed
        : phases !== undefined && !phases.includes(phaseOf(urn))
          ? `only ${phases.join(", ")} were asked for`
          : absentStep(registration, this.stack.notRehearsed);
    if (reason !== undefined || typeof executor === "object") {
      // Whoever uses its outputs gets some that are always the same.
      const { id, state } = mockState({ ...registration, inputs });
      return { outcome: "not rehearsed", id, outputs: state, message: reason };
    }
    const old = this.state.get(urn);
    const known = old?.type === type ? old : undefined;
    const now = digest(inputsOf(registration));
    const done = await executor(registration, known, this.context(registration, known, now));
    if (done.outcome !== "not rehearsed") {
      await this.state.set(urn, { type, id: done.id, inputs: now, outputs: done.outputs, memo: done.memo });
    }
    if (type.startsWith("pulumi:providers:")) {
      this.providers.set(`${urn}::${done.id}`, { id: done.id, inputs });
    }
    return done;
  }

  private context(registration: Registration, old: Recorded | undefined, now: string): Context {
    const { urn, type } = registration;
    let said = "";
    return {
      folder: this.stack.program ?? ROOT,
      unchanged: old?.inputs === now,
      signal: this.signal,
      waiting: (on) => {
        if (on !== said) {
          said = on;
          this.onEvent({ kind: "waiting", at: Date.now(), urn, on: this.masking.mask(on) });
        }
      },
      provider: (reference) => (reference === undefined ? undefined : this.providers.get(reference)),
      notRehearsed: (name) => reasonOf(name, this.stack.notRehearsed),
      inControllersPlace: (release) => this.stack.inControllersPlace?.[release] ?? [],
      begin: (memo) => this.state.set(urn, { type, id: "", inputs: now, outputs: {}, memo, pending: true }),
      part: (registered, standIn) => this.step(registered, { urn, standIn }),
    };
  }
}

/** Longest path of a socket, without the end of its text (unix(7)). */
const LONGEST_SOCKET = 107;

/** Where the program finds the harness: beside the state, so that a killed run's is found again. */
function socketBeside(stateFile: string): { path: string; remove: () => void } {
  const beside = path.resolve(`${stateFile}.socket`);
  if (beside.length <= LONGEST_SOCKET) {
    const remove = () => fs.rmSync(beside, { force: true });
    remove();
    return { path: beside, remove };
  }
  const folder = temporaryFolder("rehearse");
  return { path: path.join(folder, "socket"), remove: () => removeFolder(folder) };
}

/** What decides whether a resource is another one than the last time. */
function inputsOf({ inputs, provider }: Registration): unknown {
  // The provider's code changes with the program's; its own version says whether that matters.
  const rest = Object.entries(inputs).filter(([key]) => key !== "__provider");
  return { inputs: Object.fromEntries(rest), provider };
}
