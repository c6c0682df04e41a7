/**
 * What Grafana 12.1.1 takes, as types: @grafana/schema is generated from the same CUE as Grafana itself. Only their JSON
 * schemas are used, by grafana-schema.ts.
 */
import type * as bargauge from "@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as statetimeline from "@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/types/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type * as model from "@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen";

export type GrafanaDashboard = model.Dashboard;

/** Options and custom fields of each kind of panel; the dashboard's own type leaves them open. */
export type GrafanaPanels = Partial<{
  bargauge: { options: Partial<bargauge.Options> };
  stat: { options: Partial<stat.Options> };
  "state-timeline": { options: Partial<statetimeline.Options>; custom: Partial<statetimeline.FieldConfig> };
  table: { options: Partial<table.Options>; custom: Partial<table.FieldConfig> };
  timeseries: { options: Partial<timeseries.Options>; custom: Partial<timeseries.FieldConfig> };
}>;
