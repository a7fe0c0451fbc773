export { UserError } from "./errors";
