"""Reads that need more than one room, each scoped to the viewer."""

from appliance.web.queries.portal import MyTickets, count_mine, count_open_tickets_of, list_mine
