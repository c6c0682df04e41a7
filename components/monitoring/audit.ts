import { authentikNames } from "../identity/authentik-values";

/**
 * Authentik writes every event of its audit log to its standard output too, as a line of JSON with this text (class Event
 * in authentik/events/models.py): logins and failed ones, who used which application, every change of a user or a setting.
 * At its log level `info`, which components/identity sets.
 */
const AUDIT_TEXT = "Created Event";

/** Picks these lines out of those of a node's pods; LogQL, for Alloy's stage.match. */
export const AUDIT_LINES = `{namespace="${authentikNames.namespace}"} |= "${AUDIT_TEXT}"`;

/** They become a stream of their own, because Loki keeps logs by stream. */
export const AUDIT_LABEL = { name: "audit", value: "authentik" } as const;

export const AUDIT_SELECTOR = `{${AUDIT_LABEL.name}="${AUDIT_LABEL.value}"}`;
