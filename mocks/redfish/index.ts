export type {
  ApplyTime,
  InventoryItem,
  RedfishDeviceOptions,
  RedfishFault,
  RedfishPurpose,
  TaskEnding,
} from "./options.ts";
export { type RedfishDevice, type RedfishScriptEntry, startRedfishDevice } from "./server.ts";
export type { RedfishService, UpdateParameters } from "./service.ts";
