import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Registration } from "../registration";
import type { Recorded } from "../state";
import { canonical } from "../../../plan/canonical";
import type { Context, Done, Executor } from "./executor";
import { address, runOverSsh, sshCommand, type Finished, type SshConnection } from "./ssh";

interface Inputs {
  create?: string;
  update?: string;
  stdin?: string;
  triggers?: unknown[];
  environment?: Record<string, string>;
  addPreviousOutputInEnv?: boolean;
  /** Of a remote command. */
  connection?: SshConnection;
  /** Of a local command. */
  dir?: string;
  interpreter?: string[];
}

type Run = (
  inputs: Inputs,
  command: string,
  environment: Record<string, string>,
  context: Context,
) => Promise<Finished>;

/** Lines of a failed step that are shown. */
const LAST_LINES = 15;

/**
 * A command by the rules of @pulumi/command (provider/pkg/provider/remote/commandController.go): `create` the first time
 * and for other triggers, `update` or else `create` for any other change, nothing for none.
 */
function command(run: Run, where: (inputs: Inputs) => string, further: (inputs: Inputs) => string): Executor {
  return async (registration: Registration, old: Recorded | undefined, context: Context): Promise<Done> => {
    const inputs = registration.inputs as Inputs;
    if (old && context.unchanged && old.pending !== true) {
      return { outcome: "same", id: old.id, outputs: old.outputs };
    }
    const replaced = !old || old.pending === true || canonical(old.memo?.triggers) !== canonical(inputs.triggers ?? []);
    const before = replaced ? undefined : (old.outputs as { stdout?: string; stderr?: string });
    const text = replaced ? inputs.create : (inputs.update ?? inputs.create);
    const done = (outputs: { stdout: string; stderr: string }): Done => ({
      outcome: old && old.pending !== true ? "updated" : "created",
      id: replaced ? randomBytes(8).toString("hex") : old.id,
      outputs: { ...registration.inputs, ...outputs },
      memo: { triggers: inputs.triggers ?? [] },
    });
    if (text === undefined) {
      return done({ stdout: before?.stdout ?? "", stderr: before?.stderr ?? "" });
    }
    const environment = {
      ...inputs.environment,
      ...(inputs.addPreviousOutputInEnv === false
        ? {}
        : {
            ...(before?.stdout ? { PULUMI_COMMAND_STDOUT: before.stdout } : {}),
            ...(before?.stderr ? { PULUMI_COMMAND_STDERR: before.stderr } : {}),
          }),
    };
    const { status, stdout, stderr, said } = await run(inputs, text, environment, context);
    if (status !== 0) {
      const ended = status === undefined ? "lost its connection" : `ended with status ${status}`;
      throw new Error(
        [
          `step ${stepName(registration.name, inputs)} on ${where(inputs)} ${ended}`,
          ...said
            .trimEnd()
            .split("\n")
            .slice(-LAST_LINES)
            .map((line) => `  | ${line}`),
          `To look further: ${further(inputs)}`,
        ].join("\n"),
      );
    }
    return done({ stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") });
  };
}

/** A step of ours says its name in its text; it is also that of its log on the machine. */
function stepName(resource: string, { stdin }: Inputs): string {
  return /^# homelab step (.+)$/m.exec(stdin ?? "")?.[1] ?? resource;
}

function lookFurther(inputs: Inputs): string {
  const connection = inputs.connection as SshConnection;
  const step = /^# homelab step (.+)$/m.exec(inputs.stdin ?? "")?.[1];
  const sudo = connection.user === undefined || connection.user === "root" ? "" : "sudo ";
  return step === undefined
    ? sshCommand(connection)
    : `${sshCommand(connection)} ${sudo}less /var/log/homelab/${step}.log`;
}

/** command:remote:Command */
export const remoteCommand = command(
  ({ connection, stdin }, text, environment, { signal, waiting }) => {
    if (!connection) {
      throw new Error("a remote command without a connection");
    }
    return runOverSsh(connection, text, { stdin, environment, signal, waiting });
  },
  ({ connection }) => (connection ? address(connection) : "nowhere"),
  lookFurther,
);

/** command:local:Command */
export const localCommand = command(
  ({ dir, stdin, interpreter = ["/bin/sh", "-c"] }, text, environment, { folder, signal }) =>
    new Promise((resolve, reject) => {
      const [program, ...args] = interpreter;
      const child = spawn(program, [...args, text], {
        cwd: dir ?? folder,
        env: { ...process.env, ...environment },
        signal,
      });
      const finished: Finished = { stdout: "", stderr: "", said: "" };
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].setEncoding("utf8").on("data", (data: string) => {
          finished[stream] += data;
          finished.said += data;
        });
      }
      child.once("error", reject);
      child.once("close", (code) => resolve({ ...finished, status: code ?? 255 }));
      child.stdin.on("error", () => undefined).end(stdin ?? "");
    }),
  () => "this machine",
  ({ dir }) => `run it by hand${dir === undefined ? "" : ` in ${dir}`}`,
);
