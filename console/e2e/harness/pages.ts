import type { World } from './world'

/** Every page, by a name for its picture: an address, or a short name of the world's and what follows it. */
export const pages: [name: string, address: string][] = [
  ['overview', '/'],
  ['connections', '/connections'],
  ['connections new', '/connections/new'],
  ['connection set-up', '{bank}'],
  ['connection keys', '{bank}/keys'],
  ['connection folders', '{bank}/folders'],
  ['connection mapping', '{mapping}'],
  ['connection mapping new', '{bank}/folders?mapping=new'],
  ['connection history', '{bank}/history'],
  ['connection audit', '{bank}/audit'],
  ['connection with a changed host key', '{harbour}'],
  ['connection with insecure trust', '{insecure}'],
  ['connection that fails', '{failing}'],
  ['jobs', '/jobs'],
  ['jobs new', '/jobs/new'],
  ['job', '{fetch-report}'],
  ['job edit', '{fetch-report}/edit'],
  ['job as yaml', '{fetch-report}/edit?view=yaml'],
  ['job versions', '{fetch-report}/versions'],
  ['executions', '/executions'],
  ['execution running', '{running}'],
  ['execution completed', '{completed}'],
  ['execution failed', '{failed}'],
  ['ssh-keys', '/ssh-keys'],
  ['ssh-key', '{key}'],
  ['storages', '/storages'],
  ['storage', '{storage}'],
  ['storages new', '/storages/new'],
  ['alerts', '/alerts'],
  ['alerts new', '/alerts/new'],
  ['alert', '{alert}'],
  ['audit', '/audit'],
  ['users', '/users'],
  ['tokens', '/tokens'],
  ['settings', '/settings'],
  ['account', '/account'],
  ['missing', '/nowhere'],
]

/** The address of a page in a world. */
export const addressed = (address: string, { at }: World) =>
  address.replace(/\{([\w-]+)\}/, (_, name: string) => at[name] ?? '')
