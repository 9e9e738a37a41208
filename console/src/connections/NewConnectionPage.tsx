import { Page } from '../ui/Page'

export default function NewConnectionPage() {
  return <Page title="New connection">{null}</Page>
}
