import { useEffect, useRef } from 'react'
import { useNavigate } from 'react-router'
import { type NavItem, useNav } from './nav'

/** How long after `g` the second key counts, milliseconds. */
const WINDOW = 1200

/** Is a key meant for what has the focus: an input, or a dialog with what is asked there? */
const isTaken = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.closest('input, textarea, select, [role="dialog"], [role="menu"]') !== null)

/** `g c` goes to the connections, `g j` to the jobs …; `/` to the search field of the page. */
export function useShortcuts() {
  const navigate = useNavigate()
  const pages = useRef<NavItem[]>([])
  pages.current = useNav().flat()
  useEffect(() => {
    let since = 0
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target)) return
      if (event.key === 'g') {
        since = event.timeStamp
        return
      }
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type="search"]')
        if (search) {
          event.preventDefault()
          search.focus()
        }
        return
      }
      const item = pages.current.find(({ key }) => key === event.key)
      if (item && event.timeStamp - since < WINDOW) {
        event.preventDefault()
        void navigate(item.to)
      }
      since = 0
    }
    document.addEventListener('keydown', pressed)
    return () => document.removeEventListener('keydown', pressed)
  }, [navigate])
}
