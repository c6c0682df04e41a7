import { z } from "zod";
import { appsSchema } from "./apps";
import { backupSchema } from "./backup";
import { clusterSchema } from "./cluster";
import { identityProviderSchema } from "./identity";
import { machinesSchema } from "./machines";
import { monitoringSchema } from "./monitoring";
import { networkSchema } from "./network";
import { sshPublicKey } from "./scalars";
import { secretsSchema } from "./secrets";
import { storageSchema } from "./storage";
import { versionsSchema } from "./versions";

/** The whole stack configuration, one key of the `homelab` namespace each. Unknown keys are refused everywhere. */
export const homelabSchema = z.strictObject({
  cluster: clusterSchema,
  network: networkSchema,
  machines: machinesSchema,
  /** Public keys that may log in to VMs created by the program. */
  authorizedKeys: z.array(sshPublicKey).min(1),
  storage: storageSchema,
  versions: versionsSchema,
  backup: backupSchema,
  monitoring: monitoringSchema,
  identity: identityProviderSchema,
  apps: appsSchema,
  secrets: secretsSchema,
});

/** Top-level config keys in the order of the file. */
export const configKeys = Object.keys(homelabSchema.shape) as (keyof typeof homelabSchema.shape)[];

export type RawHomelab = z.infer<typeof homelabSchema>;
