import type { Check } from "../check";
import { b2Checks } from "./b2";
import { clusterChecks } from "./cluster";
import { configurationChecks } from "./configuration";
import { machineChecks } from "./machine";
import { networkChecks } from "./network";
import { reachChecks } from "./reach";
import { storageChecks } from "./storage";

/** Every check, from the bottom up. */
export const allChecks: readonly Check[] = [
  ...configurationChecks,
  ...reachChecks,
  ...machineChecks,
  ...storageChecks,
  ...networkChecks,
  ...b2Checks,
  ...clusterChecks,
];
