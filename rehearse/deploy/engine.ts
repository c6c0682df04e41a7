import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { LocalWorkspace, type EngineEvent, type Stack as EngineStack } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { PROJECT } from "../../plan/record";
import type { Deployer, Stack } from "./deployer";
import { EngineSteps, type StateResource } from "./engine-steps";
import type { OnEvent, Run, StepResult } from "./steps";

const ROOT = path.join(__dirname, "..", "..");
/** From this version on; as Pulumi.yaml requires. */
const LEAST: readonly [number, number] = [3, 229];
/** Not a part of the program, or not for a second folder of it. */
const LEFT_OUT = /^(\.git|\.cache|out|Pulumi\.[^.]+\.yaml)$/;

/** Plugins of the providers that the program uses; B2's resources are not rehearsed. */
const PLUGINS = ["command", "kubernetes", "random"] as const;

/** Why Pulumi's engine cannot be used here; undefined if it can. */
export function engineProblem(): string | undefined {
  const { error, stdout } = spawnSync("pulumi", ["version"], { encoding: "utf8" });
  if (error) {
    return "Pulumi's CLI is not on PATH";
  }
  const [major, minor] = stdout.trim().replace(/^v/, "").split(".").map(Number);
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    return `Pulumi ${LEAST.join(".")} or newer is needed, ${stdout.trim()} is on PATH`;
  }
  const missing = PLUGINS.filter((plugin) => !hasPlugin(plugin));
  return missing.length === 0
    ? undefined
    : `Pulumi's CLI has no plugin for ${missing.join(", ")}; \`pulumi install\` in this folder fetches them`;
}

/** A plugin is on PATH, or in Pulumi's own folder (pulumi/pulumi sdk/go/common/workspace/plugins.go). */
function hasPlugin(plugin: string): boolean {
  const home = process.env.PULUMI_HOME ?? path.join(os.homedir(), ".pulumi");
  const installed = path.join(home, "plugins");
  return (
    (fs.existsSync(installed) && fs.readdirSync(installed).some((name) => name.startsWith(`resource-${plugin}-v`))) ||
    (process.env.PATH ?? "")
      .split(path.delimiter)
      .some((folder) => fs.existsSync(path.join(folder, `pulumi-resource-${plugin}`)))
  );
}

/** Where the engine keeps its state. */
export function engineFolder(stateFile: string): string {
  return path.resolve(`${stateFile}.engine`);
}

type Operation = (stack: EngineStack, onEvent: (event: EngineEvent) => void, exclude: string[]) => Promise<unknown>;

/**
 * Carries out a program by Pulumi's engine, through its automation API. State, passphrase and stack file are in a folder
 * of their own beside the harness' state; the program's own folder stays as it is.
 *
 * What is not rehearsed is excluded, with everything that needs it: the engine makes no values up.
 */
export class Engine implements Deployer {
  public readonly kind = "engine";
  private readonly folder: string;

  public constructor(private readonly stack: Stack) {
    this.folder = engineFolder(stack.stateFile);
  }

  public up(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take, exclude) =>
      stack.up({ onEvent: take, exclude, excludeDependents: true, continueOnError: true, signal: this.stack.signal }),
    );
  }

  public preview(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take, exclude) =>
      stack.preview({ onEvent: take, exclude, excludeDependents: true, signal: this.stack.signal }),
    );
  }

  public refresh(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take) =>
      stack.refresh({ onEvent: take, runProgram: true, signal: this.stack.signal }),
    );
  }

  public destroy(onEvent: OnEvent): Promise<Run> {
    return this.run(onEvent, (stack, take) =>
      stack.destroy({ onEvent: take, excludeProtected: true, continueOnError: true, signal: this.stack.signal }),
    );
  }

  private async run(onEvent: OnEvent, operation: Operation): Promise<Run> {
    const stack = await this.open();
    await adoptWhatWasUnderWay(stack);
    const steps = new EngineSteps(onEvent);
    const began = Date.now();
    let failure: string | undefined;
    try {
      await operation(stack, (event) => steps.take(event, Date.now()), this.excluded());
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
      steps: [...results, ...this.notRehearsed(began)],
      milliseconds,
      errors: [...steps.errors, ...(failure !== undefined && !told ? [failure] : [])],
      outputs: Object.fromEntries(
        Object.entries(await stack.outputs()).map(([key, { value }]) => [key, value as unknown]),
      ),
      leftBehind: [],
    };
  }

  private open(): Promise<EngineStack> {
    const work = path.join(this.folder, "program");
    const { name, config } = this.stack;
    linkProgram(this.stack.program ?? ROOT, work);
    writeStackFile(path.join(work, `Pulumi.${name}.yaml`), config);
    const state = path.join(this.folder, "state");
    fs.mkdirSync(state, { recursive: true, mode: 0o700 });
    return LocalWorkspace.createOrSelectStack(
      { stackName: name, workDir: work },
      {
        envVars: {
          PULUMI_BACKEND_URL: `file://${state}`,
          PULUMI_CONFIG_PASSPHRASE: passphrase(path.join(this.folder, "passphrase")),
          PULUMI_SKIP_UPDATE_CHECK: "true",
        },
      },
    );
  }

  /** Patterns of URNs, in the engine's form: `**` is any text. */
  private excluded(): string[] {
    const names = Object.keys(this.stack.notRehearsed);
    return [
      "**b2:index**",
      ...names.flatMap((name) => [`**HostStep$**::${name}-apply`, `**HostStep$**::${name}-state`]),
      ...names.map((name) => `**helm.sh/v4:Chart::${name}`),
    ];
  }

  /** What was excluded has no event; it is named by the list. */
  private notRehearsed(at: number): StepResult[] {
    const named = { "b2:*": "there is no Backblaze here", ...this.stack.notRehearsed };
    return Object.entries(named).map(([name, reason]) => ({
      urn: `not rehearsed: ${name}`,
      type: "excluded",
      name,
      phase: "stack",
      began: at,
      ended: at,
      outcome: "not rehearsed",
      message: `${reason} (excluded, with what needs it)`,
      dependencies: [],
    }));
  }
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

/** A folder that shows the program, and has a stack file of its own. */
function linkProgram(program: string, work: string): void {
  fs.mkdirSync(work, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(program).filter((entry) => !LEFT_OUT.test(entry))) {
    const link = path.join(work, name);
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.join(program, name), link);
  }
  const project = path.join(work, "Pulumi.yaml");
  if (!fs.existsSync(project)) {
    fs.writeFileSync(project, stringify({ name: PROJECT, runtime: "nodejs" }));
  }
}

/** Writes the values; the salt, by which the engine knows its passphrase, stays. */
function writeStackFile(file: string, config: Readonly<Record<string, unknown>>): void {
  const before = fs.existsSync(file) ? (parse(fs.readFileSync(file, "utf8")) as Record<string, unknown> | null) : {};
  const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [`${PROJECT}:${key}`, value]));
  fs.writeFileSync(file, stringify({ ...before, config: values }), { mode: 0o600 });
}

function passphrase(file: string): string {
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  }
  return fs.readFileSync(file, "utf8");
}
