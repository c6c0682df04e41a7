import { z } from "zod";
import { bytes, email, hostname } from "./scalars";

export const identityProviderSchema = z.strictObject({
  admin: z.strictObject({
    /** Address of Authentik's first administrator, akadmin. */
    email,
  }),
  /**
   * Groups created in Authentik beside its own, by key; people are put into them in its UI. `admins` may use everything,
   * Grafana as Admin; `viewers` may look, Grafana as Viewer. Further ones are for apps.
   */
  groups: z.record(hostname, z.string().min(1)).default({ admins: "homelab-admins", viewers: "homelab-viewers" }),
  /** Size of Authentik's database volume. */
  databaseSize: bytes.default("8Gi"),
});
