import type { Role } from './session'

/** What the roles may do, the least of them first. */
export const roles: { role: Role; label: string; about: string }[] = [
  { role: 'viewer', label: 'Viewer', about: 'Looks at everything but secrets, and changes nothing.' },
  {
    role: 'operator',
    label: 'Operator',
    about: 'Makes, changes and runs connections, keys, folder mappings and jobs.',
  },
  {
    role: 'admin',
    label: 'Admin',
    about: 'Decides about users, settings, destinations and what is trusted, too.',
  },
]

/** What a role may do, in words. */
export const aboutRole = (role: Role) => roles.find((one) => one.role === role)?.about
