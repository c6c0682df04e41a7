import type { Homelab } from "../../../config/homelab";
import { appsBoard } from "./apps";
import { backupsBoard } from "./backups";
import { dashboardOf, type Board } from "./board";
import { gpuBoard } from "./gpu";
import { homeBoard } from "./home";
import { networkBoard } from "./network";
import { storageBoard } from "./storage";

/** Every board of the house, the one to open first at the head. */
export function boards(homelab: Homelab): Board[] {
  return [
    homeBoard(homelab),
    networkBoard(homelab),
    storageBoard(homelab),
    gpuBoard(homelab),
    backupsBoard(homelab),
    appsBoard(),
  ].filter((board) => board !== undefined);
}

/** A dashboard as a file of Grafana's provisioning. */
export interface DashboardFile {
  /** The board's uid. */
  name: string;
  /** JSON of Grafana's dashboard model. */
  json: string;
}

export function dashboardFiles(homelab: Homelab): DashboardFile[] {
  return boards(homelab).map((board) => ({
    name: board.uid,
    json: JSON.stringify(dashboardOf(homelab, board), null, 1),
  }));
}
