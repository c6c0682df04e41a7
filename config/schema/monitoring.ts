import { z } from "zod";
import { bytes, email, httpsUrl, rule } from "./scalars";

/** Percent of the time over 30 days. Below 95 the fastest burn rate could not be told from a whole outage. */
const objective = (percent: number) => z.number().min(95).max(99.99).default(percent);

/** Where alerts go. Secret parts (URLs with tokens, passwords) are in `secrets.alerts`, under the same name. */
const receiverSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("ntfy"),
    /** Server; the topic is secret, because who knows it can read and write. */
    server: httpsUrl.default("https://ntfy.sh"),
  }),
  z.strictObject({ kind: z.literal("discord") }),
  z.strictObject({ kind: z.literal("slack"), channel: z.string().min(1).optional() }),
  z.strictObject({
    kind: z.literal("email"),
    to: email,
    from: email,
    /** host:port of the SMTP server. */
    smarthost: z.string().regex(/^[^:\s]+:[0-9]{1,5}$/, rule("host:port", "for example smtp.example.org:587")),
    username: z.string().min(1),
  }),
]);

export const monitoringSchema = z.strictObject({
  prometheus: z.strictObject({ retentionDays: z.int().min(1).max(3650), size: bytes }),
  alertmanager: z.strictObject({ size: bytes }),
  grafana: z.strictObject({ size: bytes }),
  loki: z.strictObject({
    retentionDays: z.int().min(1).max(3650),
    /** Days that Authentik's audit log is kept. */
    auditDays: z.int().min(1).max(3650).default(365),
    size: bytes,
  }),
  /** Where the folder runbooks/ is read from a phone; each alert links to its page there. */
  runbookBase: httpsUrl.default("https://github.com/sudoflux/flux-k3s/blob/main/runbooks"),
  /** What may be bad how often before somebody is told: service level objectives. */
  objectives: z
    .strictObject({
      gateway: objective(99.5),
      storage: objective(99),
      backups: objective(99),
      media: objective(99),
    })
    .prefault({}),
  /**
   * The dead man's switch: a watch outside of the house that is told every few minutes that alerting works, and speaks
   * when nobody tells it. Its URL is `secrets.deadMansSwitch`.
   */
  deadMansSwitch: z
    .strictObject({
      /** How often it is told; what is outside should wait two or three times as long. */
      everyMinutes: z.int().min(1).max(60).default(5),
    })
    .optional(),
  /** Receivers by name. Empty: alerts are only shown in the UI. */
  receivers: z
    .record(
      z.string().regex(/^[a-z0-9-]+$/, rule("lower-case letters, digits and dashes", "rename it")),
      receiverSchema,
    )
    .default({}),
});
