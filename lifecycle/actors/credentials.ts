import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { ENCRYPTED, isPlaceholder } from "../../config/placeholders";
import type { ControlPlane } from "../../config/homelab";
import { paths } from "../../nodes/k3s/paths";
import { UserError } from "../../plan/user-error";
import type { Login } from "./host";

/**
 * The text of the admin's kubeconfig: of the file, if one is named, else the stack's own output. Never that of the
 * environment: KUBECONFIG and ~/.kube/config may name another cluster that has nodes of the same names.
 *
 * The state is asked rather than the control plane over SSH, because whoever runs these commands needs it anyhow for the
 * `pulumi up` that follows, and because the control plane's host key, which is generated, is known from there only.
 *
 * @throws UserError that says how to get one without the CLI.
 */
export async function kubeconfigText(
  stack: string,
  file: string | undefined,
  controlPlane: ControlPlane,
): Promise<string> {
  if (file !== undefined) {
    return readFile("--kubeconfig", file);
  }
  const found = await pulumi(["stack", "output", "kubeconfig", "--show-secrets", "--stack", stack]);
  if (typeof found === "string" && found.trim() !== "") {
    return found;
  }
  const { address, ssh } = controlPlane;
  throw new UserError(
    `The kubeconfig of stack ${stack} cannot be had: ${typeof found === "string" ? "the output is empty" : found.problem}
Without the Pulumi CLI or its state, take it from the control plane and name it:
  ssh ${ssh.user}@${address} sudo cat ${paths.kubeconfig} | sed 's,127.0.0.1,${address},' >kubeconfig
  npm run node -- ... --kubeconfig kubeconfig
Nothing was touched.`,
  );
}

/**
 * How to log in to the machines: with the key in a file, if one is named, else with the stack's own key, else with the
 * SSH agent; as the program itself does.
 *
 * @param configured secrets.sshPrivateKey as the stack file has it.
 * @throws UserError if the stack's key is encrypted and cannot be decrypted here, or there is no way at all.
 */
export async function sshLogin(
  stack: string,
  file: string | undefined,
  configured: string | undefined,
): Promise<Login> {
  if (file !== undefined) {
    return { privateKey: await readFile("--identity-file", file) };
  }
  if (configured !== undefined && !isPlaceholder(configured)) {
    if (configured !== ENCRYPTED) {
      return { privateKey: configured };
    }
    const found = await pulumi(["config", "get", "--path", "homelab:secrets.sshPrivateKey", "--stack", stack]);
    if (typeof found === "string") {
      return { privateKey: found };
    }
    throw new UserError(
      `secrets.sshPrivateKey of stack ${stack} cannot be decrypted: ${found.problem}. Give the key with --identity-file; nothing was touched.`,
    );
  }
  const agent = process.env.SSH_AUTH_SOCK;
  if (!agent) {
    throw new UserError(
      "There is no SSH key: the stack has no secrets.sshPrivateKey and no SSH agent runs here. Start one (ssh-add), or give a key with --identity-file; nothing was touched.",
    );
  }
  return { agent };
}

async function readFile(option: string, file: string): Promise<string> {
  try {
    return await fs.promises.readFile(file, "utf8");
  } catch (error) {
    throw new UserError(`${option}: ${file} cannot be read: ${(error as Error).message}`);
  }
}

function pulumi(words: readonly string[]): Promise<string | { problem: string }> {
  return new Promise((resolve) => {
    execFile("pulumi", [...words], { timeout: 60_000, maxBuffer: 1 << 22 }, (error, stdout, stderr) => {
      if (!error) {
        resolve(stdout);
      } else if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        resolve({ problem: "there is no pulumi on PATH" });
      } else {
        resolve({ problem: stderr.trim().split("\n")[0] || error.message });
      }
    });
  });
}
