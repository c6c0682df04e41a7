import { z } from "zod";
import { bytes, email } from "./scalars";

export const identityProviderSchema = z.strictObject({
  admin: z.strictObject({
    /** Address of Authentik's first administrator, akadmin. */
    email,
  }),
  /** Groups created in Authentik beside its own; people are put into them in its UI. */
  groups: z
    .strictObject({
      /** May use everything, Grafana as Admin. */
      admins: z.string().min(1).default("homelab-admins"),
      /** May look, Grafana as Viewer. */
      viewers: z.string().min(1).default("homelab-viewers"),
    })
    .prefault({}),
  /** Size of Authentik's database volume. */
  databaseSize: bytes.default("8Gi"),
});
