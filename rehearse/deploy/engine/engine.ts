import * as fs from "node:fs";
import * as path from "node:path";
import { LocalWorkspace, type EngineEvent, type Stack as EngineStack } from "@pulumi/pulumi/automation";
import { PROJECT } from "../../../plan/record";
import { identityOf } from "../../../sandbox/processes";
import type { Deployer, Stack } from "../deployer";
import type { OnEvent, Run } from "../steps";
import { EngineSteps, type StateResource } from "./engine-steps";
import { passphrase, writeWorkspace } from "./workspace";

const ROOT = path.join(__dirname, "..", "..", "..");

/** Where the engine keeps its state. */
export function engineFolder(stateFile: string): string {
  return path.resolve(`${stateFile}.engine`);
}

/**
 * The engine's own default, four for each processor, would let steps that only wait for a machine hold up others on a small
 * computer (pulumi/pulumi pkg/cmd/pulumi/operations/up.go, defaultParallel).
 */
const PARALLEL = 64;

type Operation = (stack: EngineStack, onEvent: (event: EngineEvent) => void) => Promise<unknown>;

/**
 * Carries out a program by Pulumi's engine, through its automation API. State, passphrase and stack file are in a folder
 * of their own beside the harness' state; the program's own folder stays as it is.
 *
 * What is not rehearsed has a stand-in, as with the harness: steps that ask what nobody answers are empty, objects that
 * nobody acts on are not waited for, Backblaze is made up.
 */
export class Engine implements Deployer {
  public readonly kind = "engine";
  private readonly folder: string;

  public constructor(private readonly stack: Stack) {
    this.folder = engineFolder(stack.stateFile);
  }

  public up(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take) =>
      stack.up({ onEvent: take, continueOnError: true, parallel: PARALLEL, signal: this.stack.signal }),
    );
  }

  public preview(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take) => stack.preview({ onEvent: take, signal: this.stack.signal }));
  }

  /**
   * Without the program: with it, the engine (3.260) ends with "cannot complete a resource ... whose registration isn't
   * pending" as soon as something is gone that a component waits for. It steps over the component as one that cannot be
   * made, and then does not know it when the component ends (pkg/resource/deploy/step_generator.go,
   * continueStepsFromRefresh).
   */
  public refresh(onEvent: OnEvent): Promise<Run> {
    return this.run(
      onEvent,
      (stack, take) => stack.refresh({ onEvent: take, parallel: PARALLEL, signal: this.stack.signal }),
      "refresh",
    );
  }

  public destroy(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take) =>
      stack.destroy({
        onEvent: take,
        excludeProtected: true,
        continueOnError: true,
        parallel: PARALLEL,
        signal: this.stack.signal,
      }),
    );
  }

  private async run(onEvent: OnEvent, operation: Operation, kind: "refresh" | "other" = "other"): Promise<Run> {
    const stack = await this.open();
    if (lockOfADeadRun(this.locks)) {
      await stack.cancel();
    }
    await adoptWhatWasUnderWay(stack);
    const steps = new EngineSteps(onEvent, this.stack.notRehearsed, kind);
    const began = Date.now();
    let failure: string | undefined;
    try {
      await operation(stack, (event) => steps.take(event, Date.now()));
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    const milliseconds = Date.now() - began;
    const exported = (await stack.exportStack()) as Exported;
    const state = exported.deployment.resources ?? [];
    const results = steps.results(state);
    const told = results.some(({ outcome }) => outcome === "failed") || steps.errors.length > 0;
    return {
      ok: failure === undefined,
      steps: results,
      milliseconds,
      errors: [...steps.errors, ...(failure !== undefined && !told ? [failure] : [])],
      outputs: Object.fromEntries(
        Object.entries(await stack.outputs()).map(([key, { value }]) => [key, value as unknown]),
      ),
      leftBehind: [],
    };
  }

  private get state(): string {
    return path.join(this.folder, "state");
  }

  private get locks(): string {
    return path.join(this.state, ".pulumi", "locks", "organization", PROJECT, this.stack.name);
  }

  private open(): Promise<EngineStack> {
    const work = path.join(this.folder, "program");
    const { name: stack, config, notRehearsed, program = ROOT } = this.stack;
    writeWorkspace(work, { program, stack, config, notRehearsed });
    const { state } = this;
    fs.mkdirSync(state, { recursive: true, mode: 0o700 });
    return LocalWorkspace.createOrSelectStack(
      { stackName: stack, workDir: work },
      {
        envVars: {
          PULUMI_BACKEND_URL: `file://${state}`,
          PULUMI_CONFIG_PASSPHRASE: passphrase(path.join(this.folder, "passphrase")),
          PULUMI_SKIP_UPDATE_CHECK: "true",
          // It writes the whole state twice for each resource, and would spend much of that on tidying its memory.
          GOGC: "400",
          GOMEMLIMIT: "1GiB",
        },
      },
    );
  }
}

/**
 * Whether the stack is locked, and by nobody who lives: a run that was killed leaves its lock, and a person would be told to
 * call `pulumi cancel` (pulumi/pulumi pkg/backend/diy/lock.go). Runs of a rehearsal share their numbers of processes.
 */
export function lockOfADeadRun(folder: string): boolean {
  const locks = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  return (
    locks.length > 0 &&
    locks.every((name) => {
      const { pid } = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")) as { pid: number };
      return identityOf(pid) === undefined;
    })
  );
}

/** As much of an exported stack as is looked at here. */
interface Exported {
  deployment: { resources?: StateResource[]; pending_operations?: { type: string; resource: { type: string } }[] };
}

/**
 * A run that was killed may have made objects which its state does not have, only that they were under way. The provider
 * refuses what exists already, lest a renamed resource deletes its own new object; it is told to take it over just this once.
 */
async function adoptWhatWasUnderWay(stack: EngineStack): Promise<void> {
  const { deployment } = (await stack.exportStack()) as Exported;
  const underWay = deployment.pending_operations ?? [];
  if (underWay.some(({ type, resource }) => type === "creating" && resource.type.startsWith("kubernetes:"))) {
    stack.workspace.envVars.PULUMI_K8S_UPSERT_EXISTING_OBJECTS = "true";
  }
}
