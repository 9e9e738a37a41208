import {
  Activity,
  BellRing,
  CalendarClock,
  Database,
  Gauge,
  KeyRound,
  type LucideIcon,
  Plug,
  ScrollText,
  Settings,
  ShieldEllipsis,
  Users,
} from 'lucide-react'
import { includes, type Role, useMe } from '../auth/session'

export type NavItem = {
  to: string
  label: string
  icon: LucideIcon
  /** Who sees it at all. */
  role: Role
  /** `g` and then this. */
  key: string
}

const nav: NavItem[][] = [
  [
    { to: '/', label: 'Overview', icon: Gauge, role: 'viewer', key: 'o' },
    { to: '/connections', label: 'Connections', icon: Plug, role: 'viewer', key: 'c' },
    { to: '/jobs', label: 'Jobs', icon: CalendarClock, role: 'viewer', key: 'j' },
    { to: '/executions', label: 'Executions', icon: Activity, role: 'viewer', key: 'e' },
  ],
  [
    { to: '/ssh-keys', label: 'SSH keys', icon: KeyRound, role: 'viewer', key: 'k' },
    { to: '/storages', label: 'Destinations', icon: Database, role: 'viewer', key: 'd' },
    { to: '/alerts', label: 'Alerts', icon: BellRing, role: 'operator', key: 'a' },
    { to: '/audit', label: 'Audit log', icon: ScrollText, role: 'viewer', key: 'l' },
  ],
  [
    { to: '/users', label: 'Users', icon: Users, role: 'admin', key: 'u' },
    { to: '/tokens', label: 'API tokens', icon: ShieldEllipsis, role: 'viewer', key: 't' },
    { to: '/settings', label: 'Settings', icon: Settings, role: 'viewer', key: 's' },
  ],
]

/** The pages that have a place in the navigation, in its order: those that the user may see. */
export function useNav(): NavItem[][] {
  const { role } = useMe()
  return nav.map((group) => group.filter((item) => includes(role, item.role)))
}
