import * as fs from "node:fs";
import * as path from "node:path";
import type { Homelab } from "../config/homelab";
import { ENCRYPTED, isPlaceholder } from "../config/placeholders";
import type { Deadline } from "./deadline";
import { run } from "./probes/run";
import type { Credentials } from "./probes/ssh";
import { VARIABLES } from "./variables";

/** Where the program stands; the Pulumi CLI looks for the stack there. */
export const ROOT = path.join(__dirname, "..");

/** What is secret or generated, and is needed to look closer. Whatever is missing has a reason. */
export interface Knowledge {
  credentials: Credentials;
  b2: { id: string; key: string } | { problem: string };
  /** Public host key of the VM. */
  vmHostKey?: string;
  /** As the state has it. */
  kubeconfig?: string;
  /** Why the state could not be read. */
  stateProblem?: string;
}

/**
 * Secrets from the environment, the stack file, or the Pulumi CLI where it is on PATH; the CLI alone can decrypt, and read
 * the state. Never asks anybody for anything.
 *
 * @throws Error that names HOMELAB_SSH_KEY if it names no readable file.
 */
export async function gather(
  stack: string,
  homelab: Homelab,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<Knowledge> {
  const { secrets } = homelab;
  // An empty variable is one that is not set.
  const given = (name: string) => env[name] || undefined;
  const sshKeyFile = given(VARIABLES.sshKey);
  const encrypted = [secrets.b2ApplicationKeyId, secrets.b2ApplicationKey, secrets.sshPrivateKey].includes(ENCRYPTED);
  // Only a stack that has encrypted values has a salt already; for another one the CLI might write it into the file.
  const decrypted = encrypted ? decryptedSecrets(stack, env, deadline) : Promise.resolve({});
  const outputs = stackOutputs(stack, env, deadline);

  const readable = (own: string | undefined, key: string, values: Record<string, unknown>): string | undefined => {
    const value = own === ENCRYPTED ? values[key] : own;
    return typeof value === "string" && !isPlaceholder(value) ? value : undefined;
  };
  const values = await decrypted;
  const privateKey =
    sshKeyFile === undefined
      ? readable(secrets.sshPrivateKey, "sshPrivateKey", values)
      : fs.readFileSync(sshKeyFile, "utf8");
  const id = given(VARIABLES.b2KeyId) ?? readable(secrets.b2ApplicationKeyId, "b2ApplicationKeyId", values);
  const key = given(VARIABLES.b2Key) ?? readable(secrets.b2ApplicationKey, "b2ApplicationKey", values);
  const { found, problem } = await outputs;
  const vmHostKey = given(VARIABLES.vmHostKey) ?? text(found.controlPlaneHostKey);
  const kubeconfig = text(found.kubeconfig);
  return {
    credentials: {
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(given("SSH_AUTH_SOCK") === undefined ? {} : { agent: env.SSH_AUTH_SOCK }),
    },
    b2: id !== undefined && key !== undefined ? { id, key } : { problem: `cannot be checked: ${b2Reason(homelab)}` },
    ...(vmHostKey === undefined ? {} : { vmHostKey }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(problem === undefined ? {} : { stateProblem: problem }),
  };
}

function b2Reason({ secrets }: Homelab): string {
  const unfilled = (["b2ApplicationKeyId", "b2ApplicationKey"] as const).filter((key) => isPlaceholder(secrets[key]));
  return unfilled.length > 0
    ? `${unfilled.map((key) => `secrets.${key}`).join(" and ")} not filled in`
    : "the key is encrypted in the stack file, and there was no Pulumi CLI that could decrypt it";
}

/** `pulumi config`, with each value's plain text; nothing where it does not work. */
async function decryptedSecrets(
  stack: string,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<Record<string, unknown>> {
  const { data } = await pulumi(["config", "--json", "--show-secrets"], stack, env, deadline);
  const section = data?.["homelab:secrets"] as { value?: string; objectValue?: Record<string, unknown> } | undefined;
  return section?.objectValue ?? (parsed(section?.value ?? "{}") as Record<string, unknown> | undefined) ?? {};
}

async function stackOutputs(
  stack: string,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<{ found: Record<string, unknown>; problem?: string }> {
  const { data, problem } = await pulumi(["stack", "output", "--json", "--show-secrets"], stack, env, deadline);
  return { found: data ?? {}, ...(problem === undefined ? {} : { problem }) };
}

async function pulumi(
  args: readonly string[],
  stack: string,
  env: NodeJS.ProcessEnv,
  deadline: Deadline,
): Promise<{ data?: Record<string, unknown>; problem?: string }> {
  const { status, stdout, stderr } = await run(
    "pulumi",
    [...args, "--stack", stack, "--non-interactive"],
    deadline,
    { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    ROOT,
  );
  if (status !== 0) {
    const [first] = stderr.trim().split("\n");
    return {
      problem:
        status === -1
          ? "there is no Pulumi CLI on PATH"
          : status === -2
            ? `pulumi ${args[0]} took too long`
            : `pulumi ${args[0]}: ${first || `status ${status}`}`,
    };
  }
  const data = parsed(stdout);
  return typeof data === "object" && data !== null
    ? { data: data as Record<string, unknown> }
    : { problem: `pulumi ${args[0]} printed no JSON` };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
