import { accessChecks } from "./access";
import { announcementChecks } from "./announcements";
import { appChecks } from "./apps";
import { backupChecks } from "./backup";
import { chartChecks } from "./charts";
import type { Check } from "./check";
import { ciliumChecks } from "./cilium";
import { diskChecks } from "./disks";
import { downloadChecks } from "./downloads";
import { hostChecks } from "./hosts";
import { labelChecks } from "./labels";
import { machineChecks } from "./machines";
import { monitoringChecks } from "./monitoring";
import { networkChecks } from "./network";
import { pathChecks } from "./paths";
import { poolChecks } from "./pool";
import { programChecks } from "./programs";
import { storageChecks } from "./storage";
import { uniquenessChecks } from "./unique";

export type { Check } from "./check";

/** Every cross-check of the configuration. Each is judged as far as what it reads is sound by itself. */
export const allChecks: readonly Check[] = [
  ...machineChecks,
  ...uniquenessChecks,
  ...labelChecks,
  ...diskChecks,
  ...networkChecks,
  ...poolChecks,
  ...announcementChecks,
  ...hostChecks,
  ...pathChecks,
  ...storageChecks,
  ...ciliumChecks,
  ...chartChecks,
  ...programChecks,
  ...downloadChecks,
  ...backupChecks,
  ...monitoringChecks,
  ...accessChecks,
  ...appChecks,
];
