import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { nav } from './nav'

/** How long after `g` the second key counts, milliseconds. */
const WINDOW = 1200

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

/** `g c` goes to the connections, `g j` to the jobs …; `/` to the search field of the page. */
export function useShortcuts() {
  const navigate = useNavigate()
  useEffect(() => {
    let since = 0
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
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
      const item = nav.flat().find(({ key }) => key === event.key)
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
