"""A pretend network: radios that answer SNMP, publish MQTT and obey SSH, all on loopback."""
