import { accessChecks } from "./access";
import { backupChecks } from "./backup";
import type { Check } from "./check";
import { compatibilityChecks } from "./compatibility";
import { diskChecks } from "./disks";
import { downloadChecks } from "./downloads";
import { hostChecks } from "./hosts";
import { labelChecks } from "./labels";
import { machineChecks } from "./machines";
import { monitoringChecks } from "./monitoring";
import { networkChecks } from "./network";
import { pathChecks } from "./paths";
import { poolChecks } from "./pool";
import { storageChecks } from "./storage";
import { uniquenessChecks } from "./unique";

export type { Check } from "./check";

/** Every cross-check of the configuration. Each runs as soon as the sections it needs are sound by themselves. */
export const allChecks: readonly Check[] = [
  ...machineChecks,
  ...uniquenessChecks,
  ...labelChecks,
  ...diskChecks,
  ...networkChecks,
  ...poolChecks,
  ...hostChecks,
  ...pathChecks,
  ...storageChecks,
  ...compatibilityChecks,
  ...downloadChecks,
  ...backupChecks,
  ...monitoringChecks,
  ...accessChecks,
];
