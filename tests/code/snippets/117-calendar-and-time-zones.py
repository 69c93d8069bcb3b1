import calendar
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

print(calendar.month(2024, 2))
moment = datetime(2024, 3, 10, 12, 0, tzinfo=timezone.utc)
for zone in ("America/Sao_Paulo", "Asia/Tokyo", "Europe/Lisbon"):
    print(zone, moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z"))
print(moment + timedelta(weeks=1, hours=-5), calendar.isleap(2024))
print(datetime.strptime("15/03/2024 08:30", "%d/%m/%Y %H:%M").isoformat())
