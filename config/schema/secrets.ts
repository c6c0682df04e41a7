import { z } from "zod";

/**
 * Secrets that somebody outside chose. Everything else (tokens, passwords, cookie secrets, the VM's host key) is
 * generated and kept in the state. Set with: pulumi config set --secret --path 'homelab:secrets.<key>'.
 */
export const secretsSchema = z.strictObject({
  /** Application key of the B2 account that may manage buckets and keys. */
  b2ApplicationKeyId: z.string().min(1),
  b2ApplicationKey: z.string().min(1),
  /** Private key for the machines, in OpenSSH form. Left out: the SSH agent of the caller is used. */
  sshPrivateKey: z.string().min(1).optional(),
  /** Address that the dead man's switch is told at; who knows it can keep it quiet. */
  deadMansSwitch: z.string().min(1).optional(),
  /** By receiver name: ntfy topic, Discord or Slack webhook URL, SMTP password. */
  alerts: z.record(z.string(), z.string().min(1)).default({}),
});
