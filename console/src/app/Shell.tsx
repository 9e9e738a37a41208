import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Divider,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { spotlight } from '@mantine/spotlight'
import { BookOpen, CircleUser, LogOut, Moon, Search, Sun } from 'lucide-react'
import { Suspense } from 'react'
import { Link, Outlet, useLocation } from 'react-router'
import { api, read } from '../api/client'
import { useChanges } from '../api/live'
import { useAction } from '../api/query'
import { useMe } from '../auth/session'
import { words } from '../ui/format'
import { LeaveQuestion } from '../ui/LeaveQuestion'
import { Loading } from '../ui/Loading'
import { Jump } from './Jump'
import { type NavItem, useNav } from './nav'
import { ServerLost } from './ServerLost'
import { useShortcuts } from './shortcuts'
import { useBeginning } from './useBeginning'

/** What is around every page. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure()
  const nav = useNav()
  useChanges()
  useShortcuts()
  useBeginning()
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 210, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Link to="/" className="brand" aria-label="Courier, overview">
              <img src="/favicon.svg" width={26} height={26} alt="" />
              <Text fw={700}>Courier</Text>
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button
              variant="default"
              size="xs"
              leftSection={<Search size={14} />}
              onClick={spotlight.open}
              aria-keyshortcuts="Control+K"
            >
              Go to…
              <Text span size="xs" c="dimmed" ml="xs" visibleFrom="sm">
                Ctrl K
              </Text>
            </Button>
            <ColorScheme />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <ScrollArea>
          {nav.map((group, index) => (
            <div key={group[0]?.to}>
              {index > 0 && <Divider my="xs" />}
              {group.map((item) => (
                <Item key={item.to} item={item} onClick={close} />
              ))}
            </div>
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <ServerLost>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </ServerLost>
      </AppShell.Main>
      <Jump />
      <LeaveQuestion />
    </AppShell>
  )
}

function Item({ item, onClick }: { item: NavItem; onClick: () => void }) {
  const { pathname } = useLocation()
  const active = item.to === '/' ? pathname === '/' : pathname === item.to || pathname.startsWith(`${item.to}/`)
  return (
    <NavLink
      component={Link}
      to={item.to}
      label={item.label}
      leftSection={<item.icon size={16} aria-hidden />}
      active={active}
      aria-current={active ? 'page' : undefined}
      onClick={onClick}
    />
  )
}

function ColorScheme() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'dark' ? 'light' : 'dark'
  return (
    <Tooltip label={`Use the ${other} theme`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        onClick={() => setColorScheme(other)}
        aria-label={`Use the ${other} theme`}
      >
        {scheme === 'dark' ? <Sun size={18} /> : <Moon size={18} />}
      </ActionIcon>
    </Tooltip>
  )
}

function Account() {
  const me = useMe()
  const logout = useAction({
    run: () => read(api.POST('/api/auth/logout')),
    changes: [],
    // By the browser and not by the router: nothing stays in memory, and it asks before something unsaved is lost.
    onDone: () => window.location.assign('/login'),
  })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="xs"
          leftSection={<CircleUser size={18} />}
          aria-label={`${me.username}: my account`}
        >
          <Text span size="sm" visibleFrom="sm">
            {me.username}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.username}, {words(me.role).toLowerCase()}
        </Menu.Label>
        <Menu.Item component={Link} to="/account" leftSection={<CircleUser size={14} />}>
          My account
        </Menu.Item>
        <Menu.Item component="a" href="/api/docs/" target="_blank" leftSection={<BookOpen size={14} />}>
          API documentation
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={14} />} onClick={() => logout.mutate()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
